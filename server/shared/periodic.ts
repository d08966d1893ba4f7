/** Calls `work` every so often until that is ended; no process stays alive for it. */
export function every(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
}

/** In the time that something is held for. */
const RENEWALS = 3;

/**
 * Renews what this process holds for so many seconds, until that is ended: of one that is killed others may take it. A
 * renewal that fails is made up for by the next.
 */
export function keepHeld(seconds: number, renew: () => Promise<unknown>): () => void {
  return every((seconds * 1000) / RENEWALS, () => void renew().catch(() => undefined));
}

/** What is noted in memory, and told now and then, and once more at the end. */
export abstract class Flushed {
  readonly #periodMs: number;
  #end = () => {};

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** Tells of what was noted since. Never rejects. */
  abstract flush(): Promise<void>;

  start(): void {
    this.#end = every(this.#periodMs, () => void this.flush());
  }

  async stop(): Promise<void> {
    this.#end();
    await this.flush();
  }
}
