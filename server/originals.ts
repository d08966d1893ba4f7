import { LRUCache } from 'lru-cache';
import type { Gate } from './cache/gate.ts';
import type { Point } from './core/geometry.ts';
import { Problem } from './errors.ts';
import type { Objects, Records } from './stores/contracts.ts';

/** An original as it stands now. */
export interface Identity {
  /** Changes when the bytes do, and when the image was purged. */
  readonly version: string;
  readonly lastModified: Date;
  readonly size: number;
  readonly focal: Point | undefined;
}

export interface Original extends Identity {
  readonly bytes: Buffer;
}

interface Known {
  readonly at: number;
  readonly identity: Promise<Identity | undefined>;
  /** Once it is there. */
  arrived?: Identity | undefined;
}

export interface OriginalsOptions {
  readonly objects: Objects;
  readonly records: Pick<Records, 'image'>;
  readonly gate: Gate;
  /** How long a looked-up version is believed. */
  readonly versionMs: number;
  readonly maxBytes: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** What a read from a store takes, for the I/O gate; only its proportion to others counts. */
const READ_MS = 20;

/** Originals and their versions. */
export class Originals {
  readonly #options: OriginalsOptions;
  readonly #known = new LRUCache<string, Known>({ max: 50_000 });

  constructor(options: OriginalsOptions) {
    this.#options = options;
  }

  /** @throws Problem `image_not_found` */
  async identify(id: string): Promise<Identity> {
    const identity = await this.lookUp(id);
    if (!identity) throw notFound(id);
    return identity;
  }

  /** The version as it was at most `versionMs` ago; undefined when there is no such image. */
  async lookUp(id: string): Promise<Identity | undefined> {
    const known = this.#known.get(id);
    if (known && this.#options.now() - known.at < this.#options.versionMs) return known.identity;
    const entry: Known = { at: this.#options.now(), identity: this.#read(id) };
    this.#known.set(id, entry);
    entry.identity.then(
      (arrived) => {
        entry.arrived = arrived;
      },
      // A store that could not say is asked again by the next request.
      () => this.#known.delete(id),
    );
    return entry.identity;
  }

  /** The version that is believed right now, without asking anyone. */
  believed(id: string): Identity | undefined {
    const known = this.#known.get(id);
    return known && this.#options.now() - known.at < this.#options.versionMs ? known.arrived : undefined;
  }

  /** Looks up anew. */
  refresh(id: string): Promise<Identity | undefined> {
    this.#known.delete(id);
    return this.lookUp(id);
  }

  async #read(id: string): Promise<Identity | undefined> {
    const { objects, records } = this.#options;
    const [facts, record] = await Promise.all([objects.head(id), records.image(id)]);
    if (!facts) return undefined;
    const { etag, lastModified, size } = facts;
    return { version: versionOf(etag, record?.generation), lastModified, size, focal: record?.focal };
  }

  /**
   * Reads an original whole.
   *
   * @throws Problem `image_not_found`, `source_too_large`, `source_error`, `overloaded`
   */
  async fetch(id: string, signal?: AbortSignal): Promise<Original> {
    const { gate, objects, maxBytes } = this.#options;
    const identity = await this.identify(id);
    const permit = await gate.acquire({ ms: READ_MS, bytes: identity.size }, signal);
    try {
      const object = await objects.get(id, signal);
      if (!object) throw notFound(id);
      if (object.size > maxBytes) {
        object.body.destroy();
        const facts = { received: `${object.size} bytes`, allowed: `${maxBytes} bytes` };
        throw new Problem(
          'source_too_large',
          `The original has ${facts.received}; ${facts.allowed} are read.`,
          facts,
        );
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of object.body) chunks.push(chunk);
      const suffix = identity.version.includes(GENERATION)
        ? identity.version.split(GENERATION)[1]
        : undefined;
      const version = versionOf(object.etag, suffix === undefined ? undefined : Number(suffix));
      return {
        ...identity,
        version,
        lastModified: object.lastModified,
        size: object.size,
        bytes: Buffer.concat(chunks),
      };
    } finally {
      permit.release();
    }
  }
}

const GENERATION = '.';

/** A purge of unchanged bytes counts the generation up, so that every server sees another version. */
export function versionOf(etag: string, generation: number | undefined): string {
  return generation ? `${etag}${GENERATION}${generation}` : etag;
}

export function notFound(id: string): Problem {
  return new Problem('image_not_found', `There is no image "${id}".`, { param: 'id', received: id });
}
