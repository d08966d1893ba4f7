import type { Config } from '../config/settings.ts';
import type { Stores } from '../stores/stores.ts';
import type { Cdn } from '../writing/cdn.ts';
import { CloudFrontCdn } from '../writing/cdn.ts';
import type { Notifier } from '../writing/notify.ts';
import { LocalForms, openSecret } from '../writing/presign.ts';
import { REACHING } from './reaching.ts';

/** Clients of what lies outside the stores; each is absent where it is not configured. */
export interface ExternalServices {
  readonly edge: Cdn | undefined;
  readonly topic: ConstructorParameters<typeof Notifier>[0]['topic'];
  /** Absent where the originals make forms themselves. */
  readonly localForms: LocalForms | undefined;
}

/** AWS clients are loaded where they are needed: they would double the start of a laptop. */
export async function openExternalServices(config: Config, stores: Stores): Promise<ExternalServices> {
  const [edge, topic, localForms] = await Promise.all([
    openEdge(config),
    openTopic(config),
    stores.originals.form ? undefined : openSecret(config.dataDir).then((secret) => new LocalForms(secret)),
  ]);
  return { edge, topic, localForms };
}

export async function openEdge({ cdnDistribution }: Config): Promise<Cdn | undefined> {
  if (!cdnDistribution) return undefined;
  const { CloudFrontClient } = await import('@aws-sdk/client-cloudfront');
  return new CloudFrontCdn(new CloudFrontClient(REACHING), cdnDistribution);
}

export async function openTopic({
  notificationsTopic: arn,
  snsEndpoint: endpoint,
}: Config): Promise<ExternalServices['topic']> {
  if (!arn) return undefined;
  const { SNSClient } = await import('@aws-sdk/client-sns');
  return { client: new SNSClient({ ...REACHING, ...(endpoint ? { endpoint } : {}) }), arn };
}
