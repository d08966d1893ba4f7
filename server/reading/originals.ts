import { rm } from 'node:fs/promises';
import type { OriginalRef } from '../sandbox/protocol.ts';
import type { Admission } from '../shared/admission.ts';
import type { Scratch } from '../shared/scratch.ts';
import { SingleFlight } from '../shared/single-flight.ts';
import { toFile } from '../stores/to-file.ts';
import { type HeldFile, OriginalFiles } from './original-files.ts';
import { type Identity, notFound, Versions, type VersionsOptions, withEtag } from './versions.ts';

export type { Identity } from './versions.ts';

/** An original as a file of this machine, which stays there until it is released. */
export interface Original extends Identity {
  readonly ref: OriginalRef;
  /** Once; more often is harmless. */
  release(): void;
}

export interface OriginalsOptions extends VersionsOptions {
  readonly admission: Admission;
  readonly maxBytes: number;
  /** Where originals lie while they are read. */
  readonly scratch: Pick<Scratch, 'path'>;
  /** Files of originals that are kept for further variants; 0 keeps none. */
  readonly keepBytes: number;
}

/** What a read from a store takes, for admission to I/O; only its proportion to others counts. */
const READ_MS = 20;

/** Originals and their versions. */
export class Originals extends Versions {
  readonly #options: OriginalsOptions;
  readonly #fetching = new SingleFlight<HeldFile>();
  readonly #files: OriginalFiles;

  constructor(options: OriginalsOptions) {
    super(options);
    this.#options = options;
    this.#files = new OriginalFiles(options.keepBytes);
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
    const version = withEtag(identity.version, value.facts.etag);
    return originalOf({ ...identity, version }, value.hold());
  }

  async #fetch(id: string, identity: Identity, signal: AbortSignal): Promise<HeldFile> {
    const { admission, objects, scratch, maxBytes } = this.#options;
    const permit = await admission.acquire({ ms: READ_MS, bytes: identity.size }, signal);
    const path = scratch.path();
    try {
      const facts = await toFile(objects, { key: id, path, maxBytes }, signal);
      if (!facts) throw notFound(id);
      const heldFile = this.#files.add(`${id} ${withEtag(identity.version, facts.etag)}`, path, facts);
      // Whoever waits for this flight takes a hold of its own before the next turn of the event loop.
      setImmediate(heldFile.release);
      return heldFile;
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
