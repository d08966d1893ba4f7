import { Problem } from './errors.ts';

export interface AdmissionLimits {
  /** Holders at once. */
  readonly slots: number;
  /** Memory that holders may take together, as they price themselves. */
  readonly bytes: number;
  /** Longest expected wait; whoever would wait longer is refused at once. */
  readonly maxWaitMs: number;
  /** For the refusal: what is being waited for. */
  readonly name: string;
}

export interface Cost {
  /** Time that the holder will keep its slot. */
  readonly ms: number;
  readonly bytes: number;
}

export interface Permit {
  readonly waitedMs: number;
  /** Once; more often is harmless. */
  release(): void;
}

interface Waiter {
  readonly price: Cost;
  readonly since: number;
  readonly admit: (permit: Permit) => void;
}

/**
 * Admits work by what it costs, in order of arrival. The queue is bounded by expected waiting time, not by
 * length: ten thumbnails may queue where one 100-megapixel render may not.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #waiting: Waiter[] = [];
  #holders = 0;
  #bytes = 0;
  #held = 0;
  /** Real ms per priced ms on this machine, smoothed. */
  #pace = 1;

  constructor(limits: AdmissionLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get load(): { holders: number; waiting: number; bytes: number } {
    return { holders: this.#holders, waiting: this.#waiting.length, bytes: this.#bytes };
  }

  /**
   * @throws Problem `overloaded` at once when the expected wait is too long; the signal's reason when it fires first
   */
  async acquire(price: Cost, signal?: AbortSignal): Promise<Permit> {
    signal?.throwIfAborted();
    const since = this.#now();
    if (this.#waiting.length === 0 && this.#fits(price)) return this.#admit(price, since);
    const expected = this.expectedWaitMs();
    if (expected > this.#limits.maxWaitMs) throw this.#refusal(expected);
    return new Promise<Permit>((resolve, reject) => {
      const leave = () => {
        const position = this.#waiting.indexOf(waiter);
        if (position >= 0) this.#waiting.splice(position, 1);
        reject(signal?.reason);
        this.#next();
      };
      const waiter: Waiter = {
        price,
        since,
        admit: (permit) => {
          signal?.removeEventListener('abort', leave);
          resolve(permit);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** ms until somebody who came now would be admitted, by the prices of those before. */
  expectedWaitMs(): number {
    const queued = this.#waiting.reduce((sum, { price }) => sum + price.ms, 0);
    return ((queued + this.#held / 2) * this.#pace) / this.#limits.slots;
  }

  /** One holder always fits, however large: else it would wait for ever. */
  #fits(price: Cost): boolean {
    if (this.#holders === 0) return true;
    return this.#holders < this.#limits.slots && this.#bytes + price.bytes <= this.#limits.bytes;
  }

  #admit(price: Cost, since: number): Permit {
    const admitted = this.#now();
    this.#holders += 1;
    this.#bytes += price.bytes;
    this.#held += price.ms;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      this.#bytes -= price.bytes;
      this.#held -= price.ms;
      const pace = (this.#now() - admitted) / Math.max(1, price.ms);
      this.#pace = Math.min(20, Math.max(0.1, this.#pace * 0.95 + pace * 0.05));
      this.#next();
    };
    return { waitedMs: admitted - since, release };
  }

  #next(): void {
    for (let first = this.#waiting[0]; first && this.#fits(first.price); first = this.#waiting[0]) {
      this.#waiting.shift();
      first.admit(this.#admit(first.price, first.since));
    }
  }

  #refusal(expectedMs: number): Problem {
    const seconds = Math.min(30, Math.max(1, Math.ceil(expectedMs / 1000)));
    const detail = `Too much is waiting for ${this.#limits.name}; try again in ${seconds} s.`;
    return new Problem('overloaded', detail, { retryAfterSeconds: seconds });
  }
}
