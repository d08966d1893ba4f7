import { LRUCache } from 'lru-cache';
import { atMost } from './at-most.ts';

export interface HostPaceOptions {
  /** Requests to one host; 0: any number. */
  readonly perMinute: number;
  /** Requests to one host that are under way together. */
  readonly atOnce: number;
  /** Of all hosts together. */
  readonly inAll: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

interface Host {
  underWay: number;
  /** From when on the next request may begin. */
  nextMs: number;
}

/** After which it is looked again whether a request has ended. */
const FULL_MS = 2_000;
/** Requests that may come at once after a silence. */
const BURST = 10;
const MAX_HOSTS = 10_000;

/** How often and how much at once this process asks a server of others. */
export class HostPace {
  readonly #options: HostPaceOptions;
  readonly #hosts = new LRUCache<string, Host>(atMost(MAX_HOSTS));
  #underWay = 0;

  constructor(options: HostPaceOptions) {
    this.#options = options;
  }

  /**
   * @param isDue  whether it waits no more for its turn, which it was given before
   * @returns      ms after which to try again; 0: it has begun, and `leave` has to be called at its end
   */
  enter(name: string, isDue: boolean): number {
    const host = this.#hostOf(name);
    if (!isDue) {
      const waitMs = host.nextMs - this.#options.now();
      this.#count(host);
      if (waitMs > 0) return waitMs;
    }
    return this.#begin(host);
  }

  /** The same for somebody who does not come again: no turn is kept for him. */
  tryEnter(name: string): number {
    const host = this.#hostOf(name);
    const waitMs = Math.max(0, host.nextMs - this.#options.now()) || this.#begin(host);
    if (waitMs === 0) this.#count(host);
    return waitMs;
  }

  #hostOf(name: string): Host {
    const host = this.#hosts.get(name) ?? { underWay: 0, nextMs: Number.NEGATIVE_INFINITY };
    this.#hosts.set(name, host);
    return host;
  }

  #count(host: Host): void {
    const { perMinute, now } = this.#options;
    const interval = perMinute === 0 ? 0 : 60_000 / perMinute;
    host.nextMs = Math.max(host.nextMs, now() - (BURST - 1) * interval) + interval;
  }

  #begin(host: Host): number {
    const { atOnce, inAll } = this.#options;
    if (host.underWay >= atOnce || this.#underWay >= inAll) return FULL_MS;
    host.underWay += 1;
    this.#underWay += 1;
    return 0;
  }

  leave(name: string): void {
    this.#underWay -= 1;
    const host = this.#hosts.get(name);
    if (host) host.underWay -= 1;
  }
}
