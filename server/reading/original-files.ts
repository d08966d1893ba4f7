import { existsSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { OriginalRef } from '../sandbox/protocol.ts';
import type { ObjectFacts } from '../stores/objects.ts';

interface Entry {
  readonly facts: ObjectFacts;
  /** The file, which may be a master and not the object itself. */
  readonly ref: OriginalRef;
  holders: number;
  /** Not to be found any more: it goes with its last holder. */
  isDropped: boolean;
  /** Called once nobody holds it for the first time. */
  onIdle: (() => void) | undefined;
}

export type NewFile = Pick<Entry, 'ref' | 'facts' | 'onIdle'>;

/** A file of an original that stays where it is until it is released. */
export interface HeldFile {
  readonly facts: ObjectFacts;
  readonly ref: OriginalRef;
  /** One more hold of the same file, as long as this one lasts. */
  hold(): HeldFile;
  /** Once; more often is harmless. */
  release(): void;
}

/** Originals as files in the scratch: those in use, and the last ones used for further variants of the same picture. */
export class OriginalFiles {
  readonly #kept: LRUCache<string, Entry>;

  /** @param keepBytes  of files that nobody uses right now; 0 keeps none */
  constructor(keepBytes: number) {
    this.#kept = new LRUCache<string, Entry>({
      maxSize: Math.max(1, keepBytes),
      sizeCalculation: ({ ref }) => ref.bytes + 1,
      dispose: (entry) => this.#drop(entry),
    });
  }

  /** Undefined when there is none of this key, or somebody else has removed it. */
  hold(key: string): HeldFile | undefined {
    const entry = this.#kept.get(key);
    if (!entry) return undefined;
    if (existsSync(entry.ref.path)) return this.#held(entry);
    this.#kept.delete(key);
    return undefined;
  }

  /**
   * Takes a file over, which is removed once nobody holds it and there is no room for it.
   *
   * @param onIdle  called once, when its last holder lets it go
   */
  add(key: string, { ref, facts, onIdle }: NewFile): HeldFile {
    const entry: Entry = { facts, ref, holders: 0, isDropped: false, onIdle };
    const heldFile = this.#held(entry);
    this.#kept.set(key, entry);
    if (this.#kept.peek(key) !== entry) entry.isDropped = true;
    return heldFile;
  }

  #held(entry: Entry): HeldFile {
    entry.holders += 1;
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      entry.holders -= 1;
      if (entry.holders === 0) this.#idle(entry);
      if (entry.isDropped) this.#drop(entry);
    };
    return { facts: entry.facts, ref: entry.ref, hold: () => this.#held(entry), release };
  }

  #idle(entry: Entry): void {
    entry.onIdle?.();
    entry.onIdle = undefined;
  }

  #drop(entry: Entry): void {
    entry.isDropped = true;
    if (entry.holders === 0) void unlink(entry.ref.path).catch(() => undefined);
  }
}
