import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import type { Memory } from '../reading/result-cache.ts';
import { REACHING, type Stores } from '../stores/open.ts';
import { Warming } from '../warming/queue.ts';
import { variantsOfAll } from '../warming/variants.ts';
import { CloudFrontEdge, type Edge, NO_EDGE } from '../writing/cdn.ts';
import { Library } from '../writing/library.ts';
import type { Management } from '../writing/management.ts';
import { Measure } from '../writing/measure.ts';
import { Notifier } from '../writing/notify.ts';
import { LocalPresigner, openSecret, S3Presigner } from '../writing/presign.ts';
import { Announcements } from '../writing/presigned-uploads.ts';
import { Purge } from '../writing/purge.ts';
import { Arrivals } from '../writing/reconciler.ts';
import { Uploads } from '../writing/uploads.ts';
import { Urls } from '../writing/urls.ts';
import type { Core } from './server.ts';

/** Clients of what lies outside the stores; each is absent where it is not configured. */
export interface Outside {
  readonly edge: Edge;
  readonly topic: ConstructorParameters<typeof Notifier>[0]['topic'];
  readonly presigner: LocalPresigner | S3Presigner;
}

/** AWS clients are loaded where they are needed: they would double the start of a laptop. */
export async function openOutside(config: Config): Promise<Outside> {
  const [edge, topic, presigner] = await Promise.all([
    openEdge(config),
    openTopic(config),
    openPresigner(config),
  ]);
  return { edge, topic, presigner };
}

async function openEdge({ cdnDistribution }: Config): Promise<Edge> {
  if (!cdnDistribution) return NO_EDGE;
  const { CloudFrontClient } = await import('@aws-sdk/client-cloudfront');
  return new CloudFrontEdge(new CloudFrontClient(REACHING), cdnDistribution);
}

async function openTopic({
  notificationsTopic: arn,
  snsEndpoint: endpoint,
}: Config): Promise<Outside['topic']> {
  if (!arn) return undefined;
  const { SNSClient } = await import('@aws-sdk/client-sns');
  return { client: new SNSClient({ ...REACHING, ...(endpoint ? { endpoint } : {}) }), arn };
}

async function openPresigner({
  originalsBucket,
  s3Endpoint,
  dataDir,
}: Config): Promise<Outside['presigner']> {
  if (!originalsBucket) return new LocalPresigner(await openSecret(dataDir));
  const { S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client(s3Endpoint ? { endpoint: s3Endpoint, forcePathStyle: true } : {});
  return new S3Presigner(client, originalsBucket);
}

/** @param process  `memory` is absent in a process that serves no images */
export function composeManagement(
  config: Config,
  stores: Stores,
  core: Core,
  { outside, log, memory }: { outside: Outside; log: Logger; memory?: Memory },
): Management {
  const { originals, records, jobs } = stores;
  const now = () => new Date();
  const urls = new Urls(config);
  const { maxSourceBytes, maxUploadBytes, versionSeconds } = config;
  const measure = new Measure({
    originals,
    renderer: core.renderer,
    gate: core.gates.fetch,
    limits: { maxPixels: config.maxSourcePixels, maxFrames: config.maxFrames },
    maxBytes: maxSourceBytes,
  });
  const lookups = core.originals;
  const purge = new Purge({
    results: stores.results,
    edge: outside.edge,
    originals: lookups,
    memory,
    versionSeconds,
  });
  const onUnsent = (err: unknown, id: string) =>
    log.warn({ err, id }, 'job not sent; the sweep will send it');
  const notifier = openNotifier(config, stores, { outside, log, urls });
  const onFinished = notifier.notifyFinished.bind(notifier);
  const warming = new Warming({ records, jobs, onUnsent, onFinished });
  const defaults = variantsOfAll(config.warmDefaults, config.presets);
  const arrivals = new Arrivals({ originals, records, measure, purge, warming, defaults, now });
  const limits = { maxBytes: maxUploadBytes, maxSourceBytes };
  const { maxUploads } = config;
  const presigner = outside.presigner;
  return {
    uploads: new Uploads({
      ...{
        originals,
        records,
        measure,
        purge,
        warming,
        arrivals,
        lookups,
        limits,
        maxUploads,
        defaults,
        now,
      },
    }),
    announcements: new Announcements({ originals, records, jobs, presigner, limits, now }),
    library: new Library({ originals, records, purge, warming, arrivals }),
    ...{ arrivals, warming, purge, urls, notifier },
  };
}

function openNotifier(
  { webhookSecret, webhookPrivate: allowPrivate }: Config,
  { records, jobs }: Stores,
  { outside: { topic }, log, urls }: { outside: Outside; log: Logger; urls: Urls },
): Notifier {
  const now = () => Date.now() / 1000;
  return new Notifier({ urls, records, jobs, topic, webhookSecret, allowPrivate, log, now });
}
