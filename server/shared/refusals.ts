import { Problem } from './errors.ts';

const MOST_SECONDS = 30;

/** Refusals for want of room, made once for each number of seconds: who is refused must cost nothing, and a stack does. */
export class Refusals {
  readonly #name: string;
  readonly #prepared = new Map<number, Problem>();
  #count = 0;

  /** @param name  of what is waited for */
  constructor(name: string) {
    this.#name = name;
  }

  /** So far. */
  get count(): number {
    return this.#count;
  }

  /** @returns Problem `overloaded` that says when it is worth asking again */
  refuse(expectedMs: number): Problem {
    this.#count += 1;
    const seconds = Math.min(MOST_SECONDS, Math.max(1, Math.ceil(expectedMs / 1000)));
    const prepared = this.#prepared.get(seconds);
    if (prepared) return prepared;
    const detail = `Too much is waiting for ${this.#name}; try again in ${seconds} s.`;
    const problem = new Problem('overloaded', detail, { retryAfterSeconds: seconds });
    this.#prepared.set(seconds, problem);
    return problem;
  }
}
