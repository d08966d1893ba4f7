interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/** The reason that a flight sees when its last waiter has left. */
export class Abandoned extends Error {
  override readonly name = 'AbortError';
}

/** Waits no longer than the signal lets it; then its reason is thrown. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // By hand: every request waits like this several times, and a race of two promises takes twice as long to set up.
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    const then =
      <V>(finish: (value: V) => void) =>
      (value: V) => {
        signal.removeEventListener('abort', leave);
        finish(value);
      };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    promise.then(then<T>(resolve), then(reject));
  });
}

/**
 * One piece of work per key at a time; those who ask meanwhile share it. When the last of them leaves, the
 * work's signal fires, so that it can stop before its next stage.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  get size(): number {
    return this.#flights.size;
  }

  /**
   * @param signal  of this caller alone; its reason is thrown when it fires first
   * @returns       the value, and whether the work had been started by somebody else
   */
  async run(
    key: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ value: T; joined: boolean }> {
    signal.throwIfAborted();
    const cached = this.#flights.get(key);
    const flight = cached ?? this.#start(key, work);
    flight.waiters += 1;
    try {
      return { value: await unlessAborted(flight.promise, signal), joined: cached !== undefined };
    } finally {
      flight.waiters -= 1;
      if (flight.waiters === 0) this.#drop(key, flight);
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const promise = work(controller.signal);
    const flight: Flight<T> = { promise, controller, waiters: 0 };
    this.#flights.set(key, flight);
    const settled = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    promise.then(settled, settled);
    return flight;
  }

  /** Nobody new may join a flight that was told to stop. Without effect on one that has settled. */
  #drop(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) !== flight) return;
    this.#flights.delete(key);
    flight.controller.abort(new Abandoned('Nobody waits for this any more.'));
  }
}
