import type { Logger } from 'pino';

const PROBE_MS = 2000;
/** Whoever asks sooner hears the same again: a store is not asked more often the more ask about it. */
const FRESH_MS = 500;

export type StoreAnswer = 'ok' | 'failed';

/** Whether each store answers, by name: for anyone to see; the reasons go to the log. */
export class StoreProbes {
  readonly #probes: Readonly<Record<string, () => Promise<void>>>;
  readonly #log: Pick<Logger, 'warn'>;
  #last: { readonly at: number; readonly answers: Promise<Record<string, StoreAnswer>> } | undefined;

  /** @param probes  each resolves when its store answers */
  constructor(probes: Readonly<Record<string, () => Promise<void>>>, log: Pick<Logger, 'warn'>) {
    this.#probes = probes;
    this.#log = log;
  }

  answers(): Promise<Record<string, StoreAnswer>> {
    const at = performance.now();
    if (!this.#last || at - this.#last.at > FRESH_MS) this.#last = { at, answers: this.#ask() };
    return this.#last.answers;
  }

  async #ask(): Promise<Record<string, StoreAnswer>> {
    const items = Object.entries(this.#probes).map(
      async ([store, probe]) => [store, await this.#outcome(store, probe)] as const,
    );
    return Object.fromEntries(await Promise.all(items));
  }

  async #outcome(store: string, probe: () => Promise<void>): Promise<StoreAnswer> {
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error(`no answer within ${PROBE_MS} ms`)), PROBE_MS).unref();
    });
    try {
      await Promise.race([probe(), late]);
      return 'ok';
    } catch (err) {
      this.#log.warn({ err, store }, 'store does not answer');
      return 'failed';
    }
  }
}
