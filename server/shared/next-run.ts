interface Run<T> {
  readonly promise: Promise<T>;
  next?: Promise<T>;
}

/**
 * One run of a work per key at a time. Who asks during one shares the run after it with all others who do: it begins later
 * than they asked, so that it sees what they wrote before.
 */
export class NextRun<T> {
  readonly #runs = new Map<string, Run<T>>();

  join(key: string, work: () => Promise<T>): Promise<T> {
    const current = this.#runs.get(key);
    if (!current) return this.#start(key, work);
    const start = () => this.#start(key, work);
    current.next ??= current.promise.then(start, start);
    return current.next;
  }

  #start(key: string, work: () => Promise<T>): Promise<T> {
    const run: Run<T> = { promise: work() };
    this.#runs.set(key, run);
    const leave = () => {
      if (this.#runs.get(key) === run && !run.next) this.#runs.delete(key);
    };
    run.promise.then(leave, leave);
    return run.promise;
  }
}
