import { Congestion, type WaitLimits } from './congestion.ts';
import type { Problem } from './errors.ts';
import { Refusals } from './refusals.ts';

export interface AdmissionLimits extends WaitLimits {
  /** Holders at once. */
  readonly slots: number;
  /** Memory that holders may take together, as they price themselves. */
  readonly bytes: number;
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
  /** Waits that are longer are worth nothing to whoever waits. */
  readonly worthMs: number;
  readonly admit: (permit: Permit) => void;
  readonly refuse: (problem: Problem) => void;
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
  /** Priced ms of those who wait, by kind; of the patient apart, whom the others do not wait for. */
  readonly #waitingMs = new Map<string, number>();
  readonly #patientMs = new Map<string, number>();
  #patientCount = 0;
  readonly #holding = new Set<Cost>();
  #bytes = 0;
  /** Real ms per priced ms on this machine, smoothed; by kind. */
  readonly #paces = new Map<string, number>();
  readonly #congestion: Congestion;
  readonly #refusals: Refusals;

  constructor(limits: AdmissionLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#congestion = new Congestion(limits, now);
    this.#refusals = new Refusals(limits.name);
  }

  get load(): { holders: number; waiting: number; bytes: number } {
    return { holders: this.#holding.size, waiting: this.#waiting.length, bytes: this.#bytes };
  }

  /** Refusals so far. */
  get refused(): number {
    return this.#refusals.count;
  }

  /**
   * @throws Problem `overloaded` at once when the expected wait is too long, or later when it has become so; the
   *         signal's reason when it fires first
   */
  async acquire(price: Cost, signal?: AbortSignal): Promise<Permit> {
    signal?.throwIfAborted();
    const since = this.#now();
    if (this.#isFirst(price) && this.#fits(price)) return this.#admit(price, since);
    const refusal = this.#refusalAfter(this.expectedWaitMs(price.kind, price.isPatient));
    if (refusal) throw refusal;
    const worthMs = price.isPatient ? Number.POSITIVE_INFINITY : this.#congestion.worthMs;
    return new Promise<Permit>((resolve, reject) => {
      const leave = () => {
        const place = this.#waiting.indexOf(waiter);
        if (place >= 0) this.#dequeue(place);
        reject(signal?.reason);
        this.#next();
      };
      const settle =
        <T>(finish: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener('abort', leave);
          finish(value);
        };
      const waiter: Waiter = { price, since, worthMs, admit: settle(resolve), refuse: settle(reject) };
      signal?.addEventListener('abort', leave, { once: true });
      this.#enqueue(waiter);
    });
  }

  /** What somebody of this kind who came now would be told; undefined where they would be let in. */
  refusal(kind?: string): Problem | undefined {
    return this.#refusalAfter(this.pressureMs(kind));
  }

  /** ms that somebody who came now would wait: 0 where there is room. */
  pressureMs(kind?: string): number {
    const price = { ms: 0, bytes: 0, kind };
    return this.#isFirst(price) && this.#fits(price) ? 0 : this.expectedWaitMs(kind);
  }

  /**
   * ms until somebody who came now would be admitted, by the prices of those before: of its own kind where that has
   * slots of its own, else of all the others. Who is patient waits for the patient too.
   */
  expectedWaitMs(kind = '', isPatient = false): number {
    const share = this.#limits.kindSlots?.[kind];
    const isBefore = (other = '') => (share === undefined ? !this.#shareOf(other) : other === kind);
    const queued = isPatient ? [...this.#waitingMs, ...this.#patientMs] : [...this.#waitingMs];
    const waitingMs = queued.filter(([other]) => isBefore(other));
    const waiting = waitingMs.reduce((sum, [other, ms]) => sum + ms * this.#paceOf(other), 0);
    const others = [...this.#holding].filter((price) => !isBefore(price.kind)).length;
    const slots = share ?? this.#limits.slots - others;
    // Those who cannot be passed by count too.
    const holding = [...this.#holding].filter((price) => slots <= 0 || isBefore(price.kind));
    const held = holding.reduce((sum, price) => sum + price.ms * this.#paceOf(price.kind), 0);
    return (waiting + held / 2) / Math.max(1, slots);
  }

  #refusalAfter(expectedMs: number): Problem | undefined {
    this.#watch();
    return expectedMs > this.#congestion.allowedMs ? this.#refusals.refuse(expectedMs) : undefined;
  }

  #watch(): void {
    this.#congestion.watch(this.expectedWaitMs(), this.#waiting.length - this.#patientCount);
  }

  #enqueue(waiter: Waiter): void {
    const { kind = '', ms, isPatient } = waiter.price;
    const patient = isPatient ? -1 : this.#waiting.findIndex((other) => other.price.isPatient);
    this.#waiting.splice(patient < 0 ? this.#waiting.length : patient, 0, waiter);
    if (isPatient) this.#patientCount += 1;
    const sums = this.#sumsOf(waiter.price);
    sums.set(kind, (sums.get(kind) ?? 0) + ms);
    this.#watch();
  }

  #dequeue(place: number): void {
    for (const { price } of this.#waiting.splice(place, 1)) {
      const { kind = '', ms, isPatient } = price;
      if (isPatient) this.#patientCount -= 1;
      const sums = this.#sumsOf(price);
      const isOther = this.#waiting.some(
        (other) => (other.price.kind ?? '') === kind && this.#sumsOf(other.price) === sums,
      );
      // Of none nothing is left, whatever floating point says.
      sums.set(kind, isOther ? (sums.get(kind) ?? 0) - ms : 0);
    }
    this.#watch();
  }

  #sumsOf({ isPatient }: Cost): Map<string, number> {
    return isPatient ? this.#patientMs : this.#waitingMs;
  }

  #shareOf(kind = ''): number | undefined {
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
    const share = this.#shareOf(price.kind);
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

  #paceOf(kind = ''): number {
    return this.#paces.get(kind) ?? 1;
  }

  /** Clamped before it is mixed: after it, one piece would still move everything to the limit. */
  #learn({ ms, kind = '' }: Cost, realMs: number): void {
    const pace = Math.min(MOST_PACE, Math.max(LEAST_PACE, realMs / Math.max(1, ms)));
    this.#paces.set(kind, this.#paceOf(kind) * (1 - NEWS) + pace * NEWS);
  }

  #next(): void {
    for (let place = 0; ; ) {
      const waiter = this.#waiting[place];
      if (!waiter) return;
      if (this.#now() - waiter.since > waiter.worthMs) {
        this.#dequeue(place);
        waiter.refuse(this.#refusals.refuse(this.expectedWaitMs(waiter.price.kind, waiter.price.isPatient)));
      } else if (this.#fits(waiter.price)) {
        this.#dequeue(place);
        waiter.admit(this.#admit(waiter.price, waiter.since));
      } else if (this.#isOverKind(waiter.price)) place += 1;
      else return;
    }
  }
}
