import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { Demand } from '../reading/demand.ts';
import { Images } from '../reading/images.ts';
import { ResultCache } from '../reading/result-cache.ts';
import { Uses } from '../reading/uses.ts';
import { Deferred } from '../shared/deferred.ts';
import type { Stores } from '../stores/stores.ts';
import { Upgrades } from '../warming/upgrades.ts';
import { type Core, monotonic } from './core.ts';

/** From a request to a picture, and what is noted on the way. */
export interface Reading {
  readonly memory: ResultCache;
  readonly deferred: Deferred;
  readonly images: Images;
  readonly uses: Uses;
  readonly demand: Demand;
  readonly upgrades: Upgrades;
}

export function composeReading(config: Config, stores: Stores, core: Core, log: Logger): Reading {
  const { originals, inputs, results, renderer, haste } = core;
  const memory = new ResultCache(config.memoryBytes);
  const deferred = new Deferred();
  const notes = composeNotes(config, stores, core, log);
  const { uses, upgrades } = notes;
  const images = new Images({
    originals,
    inputs,
    results,
    renderer,
    memory,
    haste,
    deferred,
    uses,
    lookupMs: config.lookupMs,
    now: monotonic,
    onStoreFailure: (err, { id, canonical }) =>
      log.warn({ err, id, canonical }, 'results bucket failed; the answer went out without it'),
    onUpgradable: config.upgrade === 'on' ? (result) => upgrades.note(result) : undefined,
  });
  return { memory, deferred, images, ...notes };
}

/** What requests leave behind for eviction, for new images, and for warmers that have nothing else to do. */
function composeNotes(
  { warmLearnedDays: halfLifeDays }: Config,
  { records, jobs }: Stores,
  { results }: Core,
  log: Logger,
): Pick<Reading, 'uses' | 'demand' | 'upgrades'> {
  return {
    uses: new Uses({
      results,
      now: monotonic,
      onFailure: (err) => log.warn({ err }, 'the use of results was not noted'),
    }),
    demand: new Demand({
      progress: records.progress,
      halfLifeDays,
      now: Date.now,
      onFailure: (err) => log.warn({ err }, 'what was asked for was not written; again in a minute'),
    }),
    upgrades: new Upgrades({
      jobs,
      onFailure: (err) => log.warn({ err }, 'results that can become smaller were not told of'),
    }),
  };
}
