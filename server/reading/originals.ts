import { LRUCache } from 'lru-cache';
import type { Point } from '../core/geometry/geometry.ts';
import type { Admission } from '../shared/admission.ts';
import { Problem } from '../shared/errors.ts';
import { SingleFlight } from '../shared/single-flight.ts';
import type { ObjectFacts, Objects, Records } from '../stores/contracts.ts';

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
  /** Once the store has answered, be it that there is none. */
  isSettled: boolean;
  arrived?: Identity | undefined;
}

export interface OriginalsOptions {
  readonly objects: Objects;
  readonly records: Pick<Records, 'images'>;
  readonly admission: Admission;
  /** How long a looked-up version is believed. */
  readonly versionMs: number;
  readonly maxBytes: number;
  /** Originals that are kept in memory for further variants; 0 keeps none. */
  readonly keepBytes: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** What a read from a store takes, for admission to I/O; only its proportion to others counts. */
const READ_MS = 20;

/** Originals and their versions. */
export class Originals {
  readonly #options: OriginalsOptions;
  readonly #known = new LRUCache<string, Known>({ max: 50_000 });

  readonly #fetching = new SingleFlight<Original>();
  readonly #kept: LRUCache<string, Omit<Original, 'focal'>>;

  constructor(options: OriginalsOptions) {
    this.#options = options;
    this.#kept = new LRUCache({
      maxSize: Math.max(1, options.keepBytes),
      sizeCalculation: ({ bytes }) => bytes.length + 1,
    });
  }

  /** @throws Problem `image_not_found` */
  async identify(id: string): Promise<Identity> {
    const identity = await this.lookUp(id);
    if (!identity) throw notFound(id);
    return identity;
  }

  /** The version as it was at most `versionMs` ago; undefined when there is no such image. */
  async lookUp(id: string): Promise<Identity | undefined> {
    const known = this.#fresh(id);
    if (known) return known.identity;
    const entry: Known = { at: this.#options.now(), identity: this.#read(id), isSettled: false };
    this.#known.set(id, entry);
    entry.identity.then(
      (arrived) => {
        entry.arrived = arrived;
        entry.isSettled = true;
      },
      // A store that could not say is asked again by the next request.
      () => this.#known.delete(id),
    );
    return entry.identity;
  }

  /** The version that is believed right now, without asking anyone. */
  lastKnown(id: string): Identity | undefined {
    return this.#fresh(id)?.arrived;
  }

  /** Whether it is known right now that there is such an image, or that there is none. */
  isSettled(id: string): boolean {
    return this.#fresh(id)?.isSettled ?? false;
  }

  /** Looks up anew. */
  refresh(id: string): Promise<Identity | undefined> {
    this.#known.delete(id);
    return this.lookUp(id);
  }

  /** Looks up anew, while others go on with what is believed unless this says otherwise. */
  async revalidate(id: string): Promise<Identity | undefined> {
    const identity = await this.#read(id);
    if (this.#known.get(id)?.arrived?.version !== identity?.version) this.#known.delete(id);
    return identity;
  }

  #fresh(id: string): Known | undefined {
    const known = this.#known.get(id);
    return known && this.#options.now() - known.at < this.#options.versionMs ? known : undefined;
  }

  async #read(id: string): Promise<Identity | undefined> {
    const { objects, records } = this.#options;
    const [facts, record] = await Promise.all([objects.head(id), records.images.get(id)]);
    if (!facts) return undefined;
    const { etag, lastModified, size } = facts;
    return { version: versionOf(etag, record?.generation), lastModified, size, focal: record?.focal };
  }

  /**
   * Reads an original whole. A page asks for many variants of one picture at once: they share one read, and
   * what was read last is kept for those that follow.
   *
   * @throws Problem `image_not_found`, `source_too_large`, `source_error`, `overloaded`
   */
  async fetch(id: string, signal: AbortSignal = NEVER): Promise<Original> {
    const identity = await this.identify(id);
    const kept = this.#kept.get(`${id} ${identity.version}`);
    if (kept) return { ...identity, ...kept };
    const { value } = await this.#fetching.run(`${id} ${identity.version}`, signal, (flight) =>
      this.#fetch(id, identity, flight),
    );
    return value;
  }

  async #fetch(id: string, identity: Identity, signal: AbortSignal): Promise<Original> {
    const permit = await this.#options.admission.acquire({ ms: READ_MS, bytes: identity.size }, signal);
    try {
      const { etag, lastModified, size, bytes } = await this.#download(id, signal);
      const generation = identity.version.split(GENERATION)[1];
      // The bytes decide: they may be newer than the version that was looked up.
      const version = versionOf(etag, generation === undefined ? undefined : Number(generation));
      const kept = { version, lastModified, size, bytes };
      this.#kept.set(`${id} ${version}`, kept);
      return { ...identity, ...kept };
    } finally {
      permit.release();
    }
  }

  async #download(id: string, signal: AbortSignal): Promise<ObjectFacts & { bytes: Buffer }> {
    const { objects, maxBytes } = this.#options;
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
    const { key, etag, size, lastModified } = object;
    return { key, etag, size, lastModified, bytes: await object.bytes() };
  }
}

const NEVER = new AbortController().signal;
const GENERATION = '.';

/** A purge of unchanged bytes counts the generation up, so that every server sees another version. */
export function versionOf(etag: string, generation: number | undefined): string {
  return generation ? `${etag}${GENERATION}${generation}` : etag;
}

export function notFound(id: string): Problem {
  return new Problem('image_not_found', `There is no image "${id}".`, { param: 'id', received: id });
}
