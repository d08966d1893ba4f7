import { LRUCache } from 'lru-cache';
import { originalOf } from '../reading/inputs.ts';
import { atMost } from '../shared/at-most.ts';
import { Flushed } from '../shared/periodic.ts';
import type { Jobs } from '../stores/jobs.ts';
import { type UpgradeJob, upgradeJobs } from './jobs.ts';

export interface UpgradesOptions {
  readonly jobs: Pick<Jobs, 'send' | 'depth'>;
  readonly onFailure: (error: unknown) => void;
}

/** A result that can become smaller. */
export interface Upgradable {
  readonly id: string;
  readonly canonical: string;
  /** Of all that it was made of, see Inputs. */
  readonly version: string;
  /** False: it was made in haste, and nothing lies under its key yet. */
  readonly isStored: boolean;
}

/** Between two tellings: what a kill makes forgotten is told again when the result is next read from its store. */
const PERIOD_MS = 5000;
/** Told once. */
const MAX_TOLD = 50_000;
/** Variants that wait to be told; more are told when they are read again. */
const MAX_WAITING = 10_000;
/** Jobs that wait, of whatever kind: beyond them nothing is added that nobody waits for. */
const MAX_DEPTH = 500;

/** Tells warmers of results that were made on request and can become smaller, some seconds after the answers. */
export class Upgrades extends Flushed {
  readonly #options: UpgradesOptions;
  readonly #told = new LRUCache<string, true>(atMost(MAX_TOLD));
  readonly #waiting = new Map<string, Upgradable>();

  constructor(options: UpgradesOptions) {
    super(PERIOD_MS);
    this.#options = options;
  }

  note(result: Upgradable): void {
    const { id, canonical, version, isStored } = result;
    const key = `${id} ${canonical} ${version}`;
    // What was made in haste may be asked for again before it is made as it should be.
    if (isStored && this.#told.has(key)) return;
    if (this.#waiting.size >= MAX_WAITING) return;
    this.#told.set(key, true);
    this.#waiting.set(key, result);
  }

  /** Sends what waits. Never rejects. */
  override async flush(): Promise<void> {
    const { jobs, onFailure } = this.#options;
    const waiting = [...this.#waiting.values()];
    if (waiting.length === 0) return;
    this.#waiting.clear();
    const images = Map.groupBy(waiting, ({ id, version }) => `${id} ${originalOf(version)}`);
    const outgoing = [...images.values()].flatMap((variants) => upgradeJobs(jobOf(variants)));
    try {
      const { ready } = await jobs.depth();
      if (ready < MAX_DEPTH) await jobs.send(outgoing);
      else this.#forget(waiting);
    } catch (error) {
      this.#forget(waiting);
      onFailure(error);
    }
  }

  /** Told the next time. */
  #forget(results: readonly Upgradable[]): void {
    for (const { id, canonical, version } of results) this.#told.delete(`${id} ${canonical} ${version}`);
  }
}

function jobOf(results: readonly Upgradable[]): Omit<UpgradeJob, 'kind'> {
  const [first] = results;
  const names = (isStored: boolean) =>
    results.filter((result) => result.isStored === isStored).map(({ canonical }) => canonical);
  return {
    id: first?.id ?? '',
    version: originalOf(first?.version ?? ''),
    stored: names(true),
    missing: names(false),
  };
}
