import { rm } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { Point } from '../core/geometry/geometry.ts';
import type { OriginalRef } from '../sandbox/protocol.ts';
import type { Admission } from '../shared/admission.ts';
import { Problem } from '../shared/errors.ts';
import type { Scratch } from '../shared/scratch.ts';
import { SingleFlight } from '../shared/single-flight.ts';
import type { ObjectFacts, Objects, Records } from '../stores/contracts.ts';
import { toFile } from '../stores/to-file.ts';
import { type HeldFile, OriginalFiles } from './original-files.ts';

/** An original as it stands now. */
export interface Identity {
  /** Changes when the bytes do, and when the image was purged. */
  readonly version: string;
  readonly lastModified: Date;
  readonly size: number;
  readonly focal: Point | undefined;
}

/** An original as a file of this machine, which stays there until it is released. */
export interface Original extends Identity {
  readonly ref: OriginalRef;
  /** Once; more often is harmless. */
  release(): void;
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
  /** Where originals lie while they are read. */
  readonly scratch: Pick<Scratch, 'path'>;
  /** Files of originals that are kept for further variants; 0 keeps none. */
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

  readonly #fetching = new SingleFlight<HeldFile>();
  readonly #files: OriginalFiles;

  constructor(options: OriginalsOptions) {
    this.#options = options;
    this.#files = new OriginalFiles(options.keepBytes);
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
   * Brings an original to a file, whole. A page asks for many variants of one picture at once: they share one read, and
   * what was read last is kept for those that follow.
   *
   * @throws Problem `image_not_found`, `source_too_large`, `store_unavailable`, `overloaded`
   */
  async fetch(id: string, signal: AbortSignal = NEVER): Promise<Original> {
    const identity = await this.identify(id);
    const key = `${id} ${identity.version}`;
    const kept = this.#files.hold(key);
    if (kept) return originalOf(identity, kept);
    const { value } = await this.#fetching.run(key, signal, (flight) => this.#fetch(id, identity, flight));
    // The bytes decide: they may be newer than the version that was looked up.
    const version = this.#versionOf(identity, value.facts);
    return originalOf({ ...identity, version }, value.hold());
  }

  #versionOf(identity: Identity, { etag }: ObjectFacts): string {
    const generation = identity.version.split(GENERATION)[1];
    return versionOf(etag, generation === undefined ? undefined : Number(generation));
  }

  async #fetch(id: string, identity: Identity, signal: AbortSignal): Promise<HeldFile> {
    const { admission, objects, scratch, maxBytes } = this.#options;
    const permit = await admission.acquire({ ms: READ_MS, bytes: identity.size }, signal);
    const path = scratch.path();
    try {
      const facts = await toFile(objects, { key: id, path, maxBytes }, signal);
      if (!facts) throw notFound(id);
      const held = this.#files.add(`${id} ${this.#versionOf(identity, facts)}`, path, facts);
      // Whoever waits for this flight takes a hold of its own before the next turn of the event loop.
      setImmediate(held.release);
      return held;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      permit.release();
    }
  }
}

const originalOf = (identity: Identity, { facts, ref, release }: HeldFile): Original => ({
  ...identity,
  lastModified: facts.lastModified,
  size: facts.size,
  ref,
  release,
});

const NEVER = new AbortController().signal;
const GENERATION = '.';

/** A purge of unchanged bytes counts the generation up, so that every server sees another version. */
export function versionOf(etag: string, generation: number | undefined): string {
  return generation ? `${etag}${GENERATION}${generation}` : etag;
}

export function notFound(id: string): Problem {
  return new Problem('image_not_found', `There is no image "${id}".`, { param: 'id', received: id });
}
