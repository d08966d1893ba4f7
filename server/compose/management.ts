import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { variantsOfAll } from '../core/operations/variants.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import type { Stores } from '../stores/contracts.ts';
import { Intents } from '../writing/intents.ts';
import { Invalidations } from '../writing/invalidations.ts';
import { Library } from '../writing/library.ts';
import type { Management } from '../writing/management.ts';
import { Measure } from '../writing/measure.ts';
import { Notifier } from '../writing/notify.ts';
import { PresignedUploads } from '../writing/presigned-uploads.ts';
import { Purge } from '../writing/purge.ts';
import { Reconciler } from '../writing/reconciler.ts';
import { Uploads } from '../writing/uploads.ts';
import { Urls } from '../writing/urls.ts';
import type { Core } from './core.ts';
import type { ExternalServices } from './external-services.ts';

/** Longest wait of an upload for a slot to be decoded in; after it a warmer decides. */
const ARRIVAL_PATIENCE_MS = 2_000;

interface Process {
  readonly external: ExternalServices;
  readonly log: Logger;
  /** Absent in a process that serves no images. */
  readonly memory?: ResultCache;
}

export function composeManagement(config: Config, stores: Stores, core: Core, process: Process): Management {
  const { originals, results, records, jobs } = stores;
  const { external, log } = process;
  const { localForms } = external;
  const now = () => new Date();
  const urls = new Urls(config);
  const measure = composeMeasure(config, stores, core, process);
  const purge = composePurge(config, stores, core, process);
  const notifier = composeNotifier(config, stores, urls, process);
  const intents = composeIntents(stores, core, { log, purge, notifier });
  const defaults = variantsOfAll(config.warmDefaults, config.presets);
  const shared = { originals, results, records, measure, purge, intents, defaults, now };
  const reconciler = new Reconciler(shared);
  const { maxUploads, maxSourceBytes, maxUploadBytes: maxBytes = maxSourceBytes } = config;
  const limits = { maxBytes, maxSourceBytes };
  return {
    uploads: new Uploads({ ...shared, reconciler, limits, maxUploads, lookups: core.originals }),
    presignedUploads: new PresignedUploads({ originals, records, jobs, localForms, limits, now }),
    library: new Library({ ...shared, reconciler }),
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
  };
}

function composeIntents(
  { originals, results, records, jobs }: Stores,
  core: Core,
  { log, purge, notifier }: { log: Logger; purge: Purge; notifier: Notifier },
): Intents {
  return new Intents({
    originals,
    records,
    jobs,
    purge,
    bucket: results,
    onUnsent: (err, id) => log.warn({ err, id }, 'job not sent; the sweep will send it'),
    isStored: async ({ id, variant, sameAs = variant, version }) => {
      const marks = await core.inputs.marks(variant);
      return (await core.results.head(id, sameAs, version + marks)) !== undefined;
    },
    channelsOf: (record) => notifier.channelsOf(record),
  });
}

const unixSeconds = (): number => Date.now() / 1000;

function composeMeasure(config: Config, { originals }: Stores, core: Core, { memory }: Process): Measure {
  return new Measure({
    originals,
    renderer: core.renderer,
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
  urls: Urls,
  { external: { topic }, log }: Process,
): Notifier {
  return new Notifier({ urls, records, topic, webhookSecrets, allowPrivate, log, now: unixSeconds });
}
