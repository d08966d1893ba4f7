import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { epochsInBucket } from '../reading/epoch.ts';
import type { StoredResult } from '../reading/result.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import { Blocks } from '../stores/blocks.ts';
import type { Stores } from '../stores/stores.ts';
import type { VariantChange, VariantRecord } from '../stores/variants.ts';
import { isPast, type Lifetime, readyAs } from '../warming/lifetime.ts';
import { Intents } from '../writing/intents.ts';
import { Invalidations } from '../writing/invalidations.ts';
import { Library } from '../writing/library.ts';
import type { Management } from '../writing/management.ts';
import { Measure } from '../writing/measure.ts';
import { Notifier } from '../writing/notify.ts';
import { PresignedUploads } from '../writing/presigned-uploads.ts';
import { Purge } from '../writing/purge.ts';
import { Reconciler } from '../writing/reconciler.ts';
import { Rewarm } from '../writing/rewarm.ts';
import { Uploads } from '../writing/uploads.ts';
import { Urls } from '../writing/urls.ts';
import type { Core } from './core.ts';
import type { ExternalServices } from './external-services.ts';
import { composeFetching, composeSources } from './sources.ts';
import { composeWarmSets } from './warm-sets.ts';

/** Longest wait of an upload for a slot to be decoded in; after it a warmer decides. */
const ARRIVAL_PATIENCE_MS = 2_000;

interface Process {
  readonly external: ExternalServices;
  readonly log: Logger;
  /** Absent in a process that serves no images. */
  readonly memory?: ResultCache;
}

export function composeManagement(config: Config, stores: Stores, core: Core, process: Process): Management {
  const { originals, results, records } = stores;
  const { external, log } = process;
  const { localForms } = external;
  const now = () => new Date();
  const urls = new Urls(config);
  const lifetime = lifetimeOf(config);
  const measure = composeMeasure(config, stores, core, process);
  const purge = composePurge(config, stores, core, process);
  const notifier = composeNotifier(config, stores, { urls, lifetime }, process);
  const intents = composeIntents(stores, core, { log, purge, notifier, lifetime });
  const warmSets = composeWarmSets(config, stores, core);
  const [sources, blocks] = [composeSources(config), new Blocks(records)];
  const shared = { originals, results, records, measure, purge, intents, warmSets, sources, blocks, now };
  const reconciler = new Reconciler(shared);
  const { maxUploads, maxSourceBytes, maxUploadBytes: maxBytes = maxSourceBytes } = config;
  const limits = { maxBytes, maxSourceBytes, readsHeic: config.heic === 'on' };
  return {
    ...composeFetching(config, { ...shared, reconciler, limits }, log),
    blocks,
    uploads: new Uploads({ ...shared, reconciler, limits, maxUploads, lookups: core.originals }),
    presignedUploads: new PresignedUploads({ ...stores, sources, localForms, limits, now }),
    library: new Library({ ...shared, reconciler, lifetime }),
    rewarm: new Rewarm({
      records,
      intents,
      lifetime,
      // Files of this machine, of whose removal by hand nobody tells.
      isGone: results.getAtOnce && (async (variant) => !(await headOf(core, variant))),
      now,
    }),
    invalidations: new Invalidations({
      cdn: external.edge,
      originals,
      log,
      now: unixSeconds,
      isMark: (id) => purge.isMark(id),
    }),
    reconciler,
    intents,
    purge,
    urls,
    notifier,
    warmSets,
  };
}

function composeIntents(
  { originals, results, records, jobs }: Stores,
  core: Core,
  { log, purge, notifier, lifetime }: { log: Logger; purge: Purge; notifier: Notifier; lifetime: Lifetime },
): Intents {
  return new Intents({
    originals,
    records,
    jobs,
    purge,
    bucket: results,
    onUnsent: (err, id) => log.warn({ err, id }, 'job not sent; the sweep will send it'),
    stored: (variant) => storedNow(core, variant, lifetime),
    channelsOf: (record) => notifier.channelsOf(record),
  });
}

/** Of the results in their bucket. */
export const lifetimeOf = (config: Config): Lifetime => ({
  epoch: epochsInBucket(config).plain,
  days: config.resultDays,
});

/** The result that a variant's record speaks of, as it lies in its bucket. */
async function headOf(
  { inputs, results }: Core,
  { id, variant, version, sameAs = variant }: VariantRecord,
): Promise<StoredResult | undefined> {
  return results.head(id, sameAs, version + (await inputs.marks(variant)));
}

/** What its store may remove at any moment goes at once, so that it is made anew, with all of its time before it. */
async function storedNow(
  core: Core,
  record: VariantRecord,
  lifetime: Lifetime,
): Promise<VariantChange | undefined> {
  const { id, variant, ms, sameAs = variant } = record;
  const facts = await headOf(core, record);
  if (!facts) return undefined;
  const change = {
    ...readyAs(facts, lifetime),
    ...(ms !== undefined && { ms }),
    ...(sameAs !== variant && { sameAs }),
  };
  if (!isPast(change, new Date())) return change;
  await core.results.remove(id, sameAs);
  return undefined;
}

const unixSeconds = (): number => Date.now() / 1000;

function composeMeasure(config: Config, { originals }: Stores, core: Core, { memory }: Process): Measure {
  return new Measure({
    originals,
    renderer: core.renderer,
    masters: core.masters,
    admission: core.admissions.fetch,
    scratch: core.rendering.scratch,
    limits: { maxPixels: config.maxSourcePixels, maxFrames: config.maxFrames },
    maxBytes: config.maxSourceBytes,
    // A warmer has nobody who waits for it.
    patienceMs: memory ? ARRIVAL_PATIENCE_MS : undefined,
  });
}

function composePurge(
  { versionSeconds, watermarks }: Config,
  { results, jobs }: Stores,
  { originals }: Core,
  { external, memory }: Process,
): Purge {
  const hasCdn = external.edge !== undefined;
  const marks = new Set(Object.values(watermarks));
  return new Purge({ results, jobs, hasCdn, marks, originals, memory, versionSeconds });
}

function composeNotifier(
  { webhookSecrets, webhookPrivate: allowPrivate }: Config,
  { records }: Stores,
  parts: { urls: Urls; lifetime: Lifetime },
  { external: { topic }, log }: Process,
): Notifier {
  return new Notifier({ ...parts, records, topic, webhookSecrets, allowPrivate, log, now: unixSeconds });
}
