import type { Config } from '../config/settings.ts';
import { PIPELINE } from '../core/version.ts';
import type { Images } from '../reading/images.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import { LAYERS } from '../sandbox/launch.ts';
import type { Stores } from '../stores/stores.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { readDisks, readJobs, readRendering, tellBuild } from '../telemetry/program-metrics.ts';
import type { Core } from './core.ts';

/** What server and warmer know of themselves. */
export function readProgram(
  metrics: Metrics,
  { admissions: { render, room }, originals, rendering }: Core,
  { config, stores, version }: { config: Config; stores: Stores; version: string },
): void {
  tellBuild(metrics, { version, pipeline: PIPELINE, revision: config.revision });
  readDisks(metrics, { data: config.dataDir, scratch: rendering.scratch.folder });
  readRendering(metrics, { render, room, pool: rendering.pool, layers: LAYERS });
  readJobs(metrics, stores.jobs);
  metrics.read('originalsDamaged', () => originals.damaged);
}

/** What only a server has. */
export function readServer(
  metrics: Metrics,
  { admissions, originals, haste }: Core,
  {
    memory,
    images,
    uploads,
  }: { memory: ResultCache; images: Images; uploads: { readonly inFlight: number } | undefined },
): void {
  metrics.read('renderExpectedWaitSeconds', () => admissions.render.expectedWaitMs() / 1000);
  metrics.read('rendersRefused', () => admissions.render.refused);
  metrics.read('degraded', () => haste.count);
  metrics.read('memoryBytes', () => memory.load.bytes);
  metrics.read('memoryResults', () => memory.load.results);
  metrics.read('flights', () => images.load.flights);
  metrics.read('storingBytes', () => images.load.bytes);
  metrics.read('resultsDropped', () => images.load.dropped);
  metrics.read('resultsDamaged', () => images.load.damaged);
  metrics.read('versionsUnawaited', () => Number(originals.isAway));
  metrics.read('resultsUnawaited', () => Number(images.isBucketAway));
  metrics.read('uploadsInFlight', () => uploads?.inFlight ?? 0);
}
