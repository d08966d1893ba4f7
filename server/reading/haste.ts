import { LRUCache } from 'lru-cache';
import { cheaperForm } from '../core/plan/economy.ts';
import { resultKey } from '../core/query/id.ts';
import type { Admission } from '../shared/admission.ts';
import { isWithoutRecord } from './identity.ts';
import type { Variant } from './inputs.ts';
import type { Result } from './result.ts';
import { OVERHEAD_BYTES } from './result-cache.ts';

export interface HasteOptions {
  /** To renders. */
  readonly admission: Pick<Admission, 'pressureMs' | 'refusal'>;
  /** Expected wait above which the cheapest encoder is taken. */
  readonly encoderMs: number;
  /** The same for the cheaper format. */
  readonly formatMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

const MAX_BYTES = 32 * 2 ** 20;
/** No longer than caches elsewhere keep them. */
const MAX_MS = 30_000;

/**
 * What becomes of pictures while more is asked for than can be rendered: made for less, so that more are answered, and
 * refused where that is not enough. What is made for less is kept for a moment for those who ask for the same, apart from
 * the results: none of it is ever taken for what was asked for.
 */
export class Haste {
  readonly #options: HasteOptions;
  readonly #made: LRUCache<string, Result>;
  #count = 0;

  constructor(options: HasteOptions) {
    this.#options = options;
    this.#made = new LRUCache({
      maxSize: MAX_BYTES,
      sizeCalculation: ({ bytes }) => bytes.length + OVERHEAD_BYTES,
      ttl: MAX_MS,
      perf: { now: options.now },
      ttlResolution: 0,
    });
  }

  /** Pictures made for less so far. */
  get count(): number {
    return this.#count;
  }

  /** @throws Problem `overloaded` where a render that came now would be refused, whatever it is of */
  checkRoom(): void {
    const refusal = this.#options.admission.refusal();
    if (refusal) throw refusal;
  }

  /**
   * The canonical form that a picture is to be made as now.
   *
   * @param kind  of admission
   */
  formOf(canonical: string, kind?: string): string {
    const { admission, encoderMs, formatMs } = this.#options;
    const waitMs = admission.pressureMs(kind);
    if (waitMs <= encoderMs) return canonical;
    return cheaperForm(canonical, waitMs > formatMs ? 'format' : 'encoder');
  }

  /** What was made for less a moment ago, while there still is need. */
  recall({ id, canonical }: Variant, version: string): Result | undefined {
    if (this.#options.admission.pressureMs() <= this.#options.encoderMs) return undefined;
    const result = this.#made.get(resultKey(id, canonical));
    return result?.version === version ? result : undefined;
  }

  /** @returns the result, marked as made for less */
  mark(own: Result): Result {
    const result = { ...own, warnings: [...own.warnings, 'degraded'], isDegraded: true };
    this.#count += 1;
    if (!isWithoutRecord(own.version)) this.#made.set(resultKey(own.id, own.canonical), result);
    return result;
  }
}
