import { rm } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { OriginalRef } from '../sandbox/protocol.ts';
import type { Admission, Permit } from '../shared/admission.ts';
import { atMost } from '../shared/at-most.ts';
import { Problem } from '../shared/errors.ts';
import type { Scratch } from '../shared/scratch.ts';
import { SingleFlight } from '../shared/single-flight.ts';
import type { ObjectFacts } from '../stores/objects.ts';
import { checkFile, toFile } from '../stores/to-file.ts';
import { notFound } from './absent.ts';
import { type Identity, isWithoutRecord, withEtag } from './identity.ts';
import type { Masters } from './masters.ts';
import { type HeldFile, OriginalFiles } from './original-files.ts';
import { Versions, type VersionsOptions } from './versions.ts';

export type { Identity } from './identity.ts';

/** An original as a file of this machine, which stays there until it is released. */
export interface Original extends Identity {
  readonly ref: OriginalRef;
  /** Once; more often is harmless. */
  release(): void;
}

export interface OriginalsOptions extends VersionsOptions {
  readonly admission: Admission;
  /** Of those that are not rendered as they are; absent: all are. */
  readonly masters?: Masters;
  /** To what originals take of the scratch, from before they are read until they are rendered. */
  readonly room: Admission;
  /** How long somebody waits for that; undefined: as long as it takes. */
  readonly roomMs?: number | undefined;
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
  readonly #whole = new LRUCache<string, true>(atMost(MAX_WHOLE));

  constructor(options: OriginalsOptions) {
    super(options);
    this.#options = options;
    this.#files = new OriginalFiles(options.keepBytes);
  }

  /**
   * Brings an original to a file, whole. A page asks for many variants of one picture at once: they share one read, and
   * what was read last is kept for those that follow.
   *
   * @throws Problem `image_not_found`, `source_too_large`, `store_unavailable`, `overloaded`, `damaged_store`
   */
  fetch(id: string, signal: AbortSignal = NEVER): Promise<Original> {
    return this.#share(id, signal, {
      name: 'room',
      take: (bytes, flight) => this.#room(bytes, flight),
    });
  }

  /** The same for somebody who holds an original already, and would wait for the room that he takes himself. */
  fetchBeside(id: string): Promise<Original> {
    return this.#share(id, NEVER, { name: 'beside', take: async () => undefined });
  }

  async #share(id: string, signal: AbortSignal, room: Room): Promise<Original> {
    const identity = await this.identify(id);
    const key = `${id} ${identity.version}`;
    const kept = this.#files.hold(key);
    if (kept) return originalOf(identity, kept);
    const { value } = await this.#fetching.run(`${key} ${room.name}`, signal, (flight) =>
      this.#fetch(id, { identity, room }, flight),
    );
    // The bytes decide: they may be newer than the version that was looked up.
    const version = withEtag(identity.version, value.facts.etag);
    return originalOf({ ...identity, version }, value.hold());
  }

  async #fetch(
    id: string,
    { identity, room }: { identity: Identity; room: Room },
    signal: AbortSignal,
  ): Promise<HeldFile> {
    const { scratch, masters } = this.#options;
    const path = scratch.path();
    let own = await room.take(identity.size, signal);
    try {
      const facts = await this.#read(id, { identity, path }, signal);
      let ref: OriginalRef = { path, bytes: facts.size };
      if (masters?.isNeeded(ref)) {
        ref = await masters.obtain({ id, etag: facts.etag, ref }, signal);
        await rm(path, { force: true });
        own?.release();
        // Not before: whoever waited for room while he has some could wait for himself.
        own = await this.#roomOfMaster(ref, room, signal);
      }
      const key = `${id} ${withEtag(identity.version, facts.etag)}`;
      const heldFile = this.#files.add(key, { ref, facts, onIdle: own?.release });
      // Whoever waits for this flight takes a hold of its own before the next turn of the event loop.
      setImmediate(heldFile.release);
      return heldFile;
    } catch (error) {
      await rm(path, { force: true });
      own?.release();
      this.countDamaged(error);
      throw error;
    }
  }

  async #read(
    id: string,
    { identity, path }: { identity: Identity; path: string },
    signal: AbortSignal,
  ): Promise<ObjectFacts> {
    const { objects, admission, maxBytes } = this.#options;
    const permit = await admission.acquire({ ms: READ_MS, bytes: identity.size }, signal);
    try {
      const facts = await toFile(objects, { key: id, path, maxBytes }, signal);
      if (!facts) throw notFound(id);
      await this.#check(identity, facts, path);
      return facts;
    } finally {
      permit.release();
    }
  }

  async #roomOfMaster({ path, bytes }: OriginalRef, room: Room, signal: AbortSignal) {
    try {
      return await room.take(bytes, signal);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Undefined where the file is a link to that of the store: it takes nothing. */
  async #room(bytes: number, signal: AbortSignal): Promise<Permit | undefined> {
    const { objects, room, roomMs } = this.#options;
    if (objects.link) return undefined;
    const price = { ms: READ_MS, bytes };
    if (roomMs === undefined) return room.acquire(price, signal);
    const patience = AbortSignal.timeout(roomMs);
    try {
      return await room.acquire(price, AbortSignal.any([signal, patience]));
    } catch (error) {
      signal.throwIfAborted();
      if (!patience.aborted) throw error;
      throw new Problem('overloaded', 'Too many originals wait to be rendered.', { retryAfterSeconds: 1 });
    }
  }

  /** On a disk of ours once for each version; what comes over a wire may come otherwise each time. */
  async #check({ version, digest, size }: Identity, facts: ObjectFacts, path: string): Promise<void> {
    const { objects } = this.#options;
    const name = objects.link && `${facts.key} ${facts.etag}`;
    if (name && this.#whole.has(name)) return;
    const isSame = withEtag(version, facts.etag) === version;
    const expected = isSame && !isWithoutRecord(version) ? { digest, bytes: size } : {};
    await checkFile(objects, { facts, path, ...expected });
    if (name) this.#whole.set(name, true);
  }
}

interface Room {
  /** Those who take it alike share a read: who waits for none may join nobody who does. */
  readonly name: 'room' | 'beside';
  /** In the scratch, for so many bytes. */
  readonly take: (bytes: number, signal: AbortSignal) => Promise<Permit | undefined>;
}

/** Originals that are known to be whole, of some hundred bytes each. */
const MAX_WHOLE = 50_000;

const originalOf = (identity: Identity, { facts, ref, release }: HeldFile): Original => ({
  ...identity,
  lastModified: facts.lastModified,
  size: facts.size,
  ref,
  release,
});

const NEVER = new AbortController().signal;
