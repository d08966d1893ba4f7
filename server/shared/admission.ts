import { Problem } from './errors.ts';

export interface AdmissionLimits {
  /** Holders at once. */
  readonly slots: number;
  /** Memory that holders may take together, as they price themselves. */
  readonly bytes: number;
  /** Longest expected wait; whoever would wait longer is refused at once. */
  readonly maxWaitMs: number;
  /** Holders at once of a kind that can take a thousand times its price; such waiters are overtaken. */
  readonly kindSlots?: Readonly<Record<string, number>>;
  /** For the refusal: what is being waited for. */
  readonly name: string;
}

export interface Cost {
  /** Time that the holder will keep its slot. */
  readonly ms: number;
  readonly bytes: number;
  /** What is priced alike: how right prices are is learnt for each kind by itself. Few, from a table. */
  readonly kind?: string | undefined;
  /** Nobody waits for it: whoever comes later and is not patient goes before. */
  readonly isPatient?: boolean | undefined;
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

/** One piece of work says no more than this about all of its kind: a drawing of a thousand times its price is one. */
const [LEAST_PACE, MOST_PACE] = [0.1, 20];
/** Share of the newest piece in what is known. */
const NEWS = 0.05;

/**
 * Admits work by what it costs, in order of arrival. The queue is bounded by expected waiting time, not by
 * length: ten thumbnails may queue where one 100-megapixel render may not.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #waiting: Waiter[] = [];
  readonly #holding = new Set<Cost>();
  #bytes = 0;
  /** Real ms per priced ms on this machine, smoothed; by kind. */
  readonly #paces = new Map<string, number>();

  constructor(limits: AdmissionLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get load(): { holders: number; waiting: number; bytes: number } {
    return { holders: this.#holding.size, waiting: this.#waiting.length, bytes: this.#bytes };
  }

  /**
   * @throws Problem `overloaded` at once when the expected wait is too long; the signal's reason when it fires first
   */
  async acquire(price: Cost, signal?: AbortSignal): Promise<Permit> {
    signal?.throwIfAborted();
    const since = this.#now();
    if (this.#isFirst(price) && this.#fits(price)) return this.#admit(price, since);
    const expected = this.expectedWaitMs(price.kind);
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
      const patient = price.isPatient ? -1 : this.#waiting.findIndex((other) => other.price.isPatient);
      this.#waiting.splice(patient < 0 ? this.#waiting.length : patient, 0, waiter);
    });
  }

  /**
   * ms until somebody who came now would be admitted, by the prices of those before: of its own kind where that has
   * slots of its own, else of all the others.
   */
  expectedWaitMs(kind = ''): number {
    const share = this.#limits.kindSlots?.[kind];
    const isBefore = (price: Cost) =>
      share === undefined ? this.#shareOf(price) === undefined : price.kind === kind;
    const waiting = this.#waiting.map(({ price }) => price).filter(isBefore);
    const others = [...this.#holding].filter((price) => !isBefore(price)).length;
    const slots = share ?? this.#limits.slots - others;
    // Those who cannot be passed by count too.
    const holding = slots > 0 ? [...this.#holding].filter(isBefore) : [...this.#holding];
    return (this.#sumMs(waiting) + this.#sumMs(holding) / 2) / Math.max(1, slots);
  }

  #sumMs(prices: readonly Cost[]): number {
    return prices.reduce((sum, price) => sum + this.#realMs(price), 0);
  }

  #shareOf({ kind = '' }: Cost): number | undefined {
    return this.#limits.kindSlots?.[kind];
  }

  /** Whether nobody waits who would have to be let in before: waiters of a kind whose slots are taken need not. */
  #isFirst(price: Cost): boolean {
    return this.#waiting.every(
      (waiter) =>
        (waiter.price.isPatient && !price.isPatient) ||
        (waiter.price.kind !== price.kind && this.#isOverKind(waiter.price)),
    );
  }

  /** Whether all the slots of its kind are taken. */
  #isOverKind(price: Cost): boolean {
    const share = this.#shareOf(price);
    if (share === undefined) return false;
    return [...this.#holding].filter(({ kind }) => kind === price.kind).length >= share;
  }

  /** One holder always fits, however large: else it would wait for ever. */
  #fits(price: Cost): boolean {
    if (this.#holding.size === 0) return true;
    if (this.#isOverKind(price)) return false;
    return this.#holding.size < this.#limits.slots && this.#bytes + price.bytes <= this.#limits.bytes;
  }

  #admit(price: Cost, since: number): Permit {
    const admitted = this.#now();
    // One object a holder: two may have the same price.
    const holder = { ...price };
    this.#holding.add(holder);
    this.#bytes += price.bytes;
    const release = () => {
      if (!this.#holding.delete(holder)) return;
      this.#bytes -= price.bytes;
      this.#learn(price, this.#now() - admitted);
      this.#next();
    };
    return { waitedMs: admitted - since, release };
  }

  #realMs({ ms, kind = '' }: Cost): number {
    return ms * (this.#paces.get(kind) ?? 1);
  }

  /** Clamped before it is mixed: after it, one piece would still move everything to the limit. */
  #learn({ ms, kind = '' }: Cost, realMs: number): void {
    const pace = Math.min(MOST_PACE, Math.max(LEAST_PACE, realMs / Math.max(1, ms)));
    this.#paces.set(kind, (this.#paces.get(kind) ?? 1) * (1 - NEWS) + pace * NEWS);
  }

  #next(): void {
    for (let place = 0; ; ) {
      const waiter = this.#waiting[place];
      if (!waiter) return;
      if (this.#fits(waiter.price)) {
        this.#waiting.splice(place, 1);
        waiter.admit(this.#admit(waiter.price, waiter.since));
      } else if (this.#isOverKind(waiter.price)) place += 1;
      else return;
    }
  }

  #refusal(expectedMs: number): Problem {
    const seconds = Math.min(30, Math.max(1, Math.ceil(expectedMs / 1000)));
    const detail = `Too much is waiting for ${this.#limits.name}; try again in ${seconds} s.`;
    return new Problem('overloaded', detail, { retryAfterSeconds: seconds });
  }
}
