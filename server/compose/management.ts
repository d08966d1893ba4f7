import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { variantsOfAll } from '../core/operations/variants.ts';
import type { ResultCache } from '../reading/result-cache.ts';
import type { Stores } from '../stores/contracts.ts';
import { WarmQueue } from '../warming/queue.ts';
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

/** @param process  `memory` is absent in a process that serves no images */
export function composeManagement(
  config: Config,
  stores: Stores,
  core: Core,
  { external, log, memory }: { external: ExternalServices; log: Logger; memory?: ResultCache },
): Management {
  const { originals, records, jobs } = stores;
  const now = () => new Date();
  const urls = new Urls(config);
  const { maxSourceBytes, maxUploadBytes, versionSeconds } = config;
  const measure = new Measure({
    originals,
    renderer: core.renderer,
    admission: core.admissions.fetch,
    scratch: core.rendering.scratch,
    limits: { maxPixels: config.maxSourcePixels, maxFrames: config.maxFrames },
    maxBytes: maxSourceBytes,
    // A warmer has nobody who waits for it.
    patienceMs: memory ? ARRIVAL_PATIENCE_MS : undefined,
  });
  const lookups = core.originals;
  const purge = new Purge({
    results: stores.results,
    edge: external.edge,
    marks: new Set(Object.values(config.watermarks)),
    originals: lookups,
    memory,
    versionSeconds,
  });
  const onUnsent = (err: unknown, id: string) =>
    log.warn({ err, id }, 'job not sent; the sweep will send it');
  const notifier = openNotifier(config, stores, { external, log, urls });
  const onFinished = notifier.notifyFinished.bind(notifier);
  const warmQueue = new WarmQueue({ records, jobs, onUnsent, onFinished });
  const defaults = variantsOfAll(config.warmDefaults, config.presets);
  const reconciler = new Reconciler({ originals, records, measure, purge, warmQueue, defaults, now });
  const limits = { maxBytes: maxUploadBytes, maxSourceBytes };
  const { maxUploads } = config;
  const { localForms } = external;
  return {
    uploads: new Uploads({
      ...{
        originals,
        records,
        measure,
        purge,
        warmQueue,
        reconciler,
        lookups,
        limits,
        maxUploads,
        defaults,
        now,
      },
    }),
    presignedUploads: new PresignedUploads({ originals, records, jobs, localForms, limits, now }),
    library: new Library({ originals, records, purge, warmQueue, reconciler }),
    ...{ reconciler, warmQueue, purge, urls, notifier },
  };
}

function openNotifier(
  { webhookSecret, webhookPrivate: allowPrivate }: Config,
  { records, jobs }: Stores,
  { external: { topic }, log, urls }: { external: ExternalServices; log: Logger; urls: Urls },
): Notifier {
  const now = () => Date.now() / 1000;
  return new Notifier({ urls, records, jobs, topic, webhookSecret, allowPrivate, log, now });
}
