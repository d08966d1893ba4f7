import { LRUCache } from 'lru-cache';
import { atMost } from '../shared/at-most.ts';
import { isProblem, Problem, type ProblemCode } from '../shared/errors.ts';

/** How long an original is not tried again. An operator who raises a limit starts the program anew anyway. */
const VERDICT_MS = 5 * 60_000;
const MAX_VERDICTS = 10_000;

/** What decoders say of the bytes alone: asking again, or for something smaller, changes nothing. */
const OF_BYTES: readonly ProblemCode[] = ['damaged_source', 'unsupported_source'];

interface Verdict {
  readonly problem: Problem;
  /** What is decoded or drawn on as many pixels or more would end alike. */
  readonly fromPixels: number;
}

/**
 * Originals that could not be decoded or drawn, by version, for minutes: a page that shows one asks for it again and
 * again, and each try would take a slot for as long as its limits allow. Never what only waited.
 */
export class Verdicts {
  readonly #verdicts: LRUCache<string, Verdict>;

  /** @param now  monotonic ms */
  constructor(now: () => number) {
    this.#verdicts = new LRUCache({
      ...atMost(MAX_VERDICTS),
      ttl: VERDICT_MS,
      perf: { now },
      ttlResolution: 0,
    });
  }

  /**
   * @param key     of an original in a version
   * @param pixels  that are decoded or drawn: a drawing that is too slow at 4,000 px a side may be drawn at 100
   * @throws Problem  the one that is remembered
   */
  check(key: string, pixels: number): void {
    const verdict = this.#verdicts.get(key);
    if (!verdict || pixels < verdict.fromPixels) return;
    const { code, detail, facts } = verdict.problem;
    throw new Problem(code, detail, facts, verdict.problem);
  }

  /** Keeps what a render says of its original; other errors are none of ours. */
  remember(key: string, error: unknown, pixels: number): void {
    if (!isProblem(error)) return;
    const isOfBytes = OF_BYTES.includes(error.code);
    if (!isOfBytes && error.code !== 'unrenderable') return;
    this.#verdicts.set(key, { problem: error, fromPixels: isOfBytes ? 0 : pixels });
  }
}
