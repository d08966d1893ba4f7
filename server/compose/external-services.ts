import type { Config } from '../config/settings.ts';
import type { Cdn } from '../writing/cdn.ts';
import { CloudFrontCdn, NO_CDN } from '../writing/cdn.ts';
import type { Notifier } from '../writing/notify.ts';
import { LocalPresigner, openSecret, S3Presigner } from '../writing/presign.ts';
import { REACHING } from './stores.ts';

/** Clients of what lies outside the stores; each is absent where it is not configured. */
export interface ExternalServices {
  readonly edge: Cdn;
  readonly topic: ConstructorParameters<typeof Notifier>[0]['topic'];
  readonly presigner: LocalPresigner | S3Presigner;
}

/** AWS clients are loaded where they are needed: they would double the start of a laptop. */
export async function openExternalServices(config: Config): Promise<ExternalServices> {
  const [edge, topic, presigner] = await Promise.all([
    openEdge(config),
    openTopic(config),
    openPresigner(config),
  ]);
  return { edge, topic, presigner };
}

export async function openEdge({ cdnDistribution }: Config): Promise<Cdn> {
  if (!cdnDistribution) return NO_CDN;
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

export async function openPresigner({
  originalsBucket,
  s3Endpoint,
  dataDir,
}: Config): Promise<ExternalServices['presigner']> {
  if (!originalsBucket) return new LocalPresigner(await openSecret(dataDir));
  const { S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client(s3Endpoint ? { endpoint: s3Endpoint, forcePathStyle: true } : {});
  return new S3Presigner(client, originalsBucket);
}
