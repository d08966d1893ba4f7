import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import type { Test } from 'tap';
import type { RecordsEmulator } from './emulators.dynamodb.ts';

export const identity = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test-secret' },
};

/** What the SDK reads from the environment of a program; no settings of ours. */
export const awsKeys: Readonly<Record<string, string>> = {
  AWS_REGION: identity.region,
  AWS_ACCESS_KEY_ID: identity.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: identity.credentials.secretAccessKey,
};

/** For stores that this process opens itself. */
export const useKeys = (): void => void Object.assign(process.env, awsKeys);

/** S3 and SQS over the wire. */
export interface StorageEmulator {
  /** Of S3. */
  endpoint: string;
  sqsEndpoint: string;
  s3: S3Client;
  sqs: SQSClient;
  originals: string;
  results: string;
  queue: string;
  /** Where messages of `queue` go after `maxReceives`. */
  deadLetters: string;
  maxReceives: number;
  stop(): Promise<void>;
}

/**
 * S3 and SQS of npm, in this process, in memory (they listen on all addresses: fauxqs cannot do less), with new buckets
 * and queues. Where S3_SERVER and SQS_SERVER name servers of another make, those: what passes here passes there.
 */
export async function startStorage({ maxReceives = 3 } = {}): Promise<StorageEmulator> {
  const { endpoint, sqsEndpoint, stop } = await storageServers();
  const { s3, sqs } = clients(endpoint, sqsEndpoint);
  const own = randomUUID();
  const names = { originals: `originals-${own}`, results: `results-${own}` };
  for (const Bucket of Object.values(names)) await s3.send(new CreateBucketCommand({ Bucket }));
  const queues = { queue: `warm-${own}`, deadLetters: `warm-dead-${own}` };
  await createQueues(sqs, queues, maxReceives);
  return {
    ...names,
    ...queues,
    endpoint,
    sqsEndpoint,
    s3,
    sqs,
    maxReceives,
    stop: async () => {
      s3.destroy();
      sqs.destroy();
      await stop();
    },
  };
}

/** Whether the stores of tests are those of npm, whose gaps the tests know. */
export const isOfNpm = process.env['S3_SERVER'] === undefined;

interface StorageServers {
  readonly endpoint: string;
  readonly sqsEndpoint: string;
  readonly stop: () => Promise<unknown>;
}

async function storageServers(): Promise<StorageServers> {
  const { S3_SERVER: endpoint, SQS_SERVER: sqsEndpoint } = process.env;
  if (endpoint && sqsEndpoint) return { endpoint, sqsEndpoint, stop: async () => undefined };
  if (endpoint || sqsEndpoint) throw new Error('S3_SERVER and SQS_SERVER go together.');
  const server = await startFauxqs({ port: 0, logger: false });
  const address = `http://127.0.0.1:${server.port}`;
  return { endpoint: address, sqsEndpoint: address, stop: () => server.stop() };
}

/** The settings of a deployment over these stores; where a wire stands before one, with its endpoint. */
export const storeSettings = (
  storage: Pick<
    StorageEmulator,
    'originals' | 'results' | 'endpoint' | 'queue' | 'deadLetters' | 'sqsEndpoint'
  >,
  records: Pick<RecordsEmulator, 'table' | 'endpoint'>,
): Record<string, string> => ({
  ORIGINALS_BUCKET: storage.originals,
  RESULTS_BUCKET: storage.results,
  S3_ENDPOINT: storage.endpoint,
  JOBS_QUEUE: storage.queue,
  JOBS_DEAD_LETTER_QUEUE: storage.deadLetters,
  SQS_ENDPOINT: storage.sqsEndpoint,
  RECORDS_TABLE: records.table,
  DYNAMODB_ENDPOINT: records.endpoint,
});

/**
 * S3, DynamoDB and SQS over the wire, by their names in the environment; undefined, and the test skipped,
 * where DynamoDB is missing.
 *
 * @param records  from startRecords
 */
export async function emulated(
  t: Test,
  records: RecordsEmulator | { missing: string },
  options?: { maxReceives?: number },
): Promise<Record<string, string> | undefined> {
  if ('missing' in records) return void t.pass('needs DynamoDB', { skip: records.missing });
  t.teardown(() => records.stop());
  const storage = await startStorage(options);
  t.teardown(() => storage.stop());
  useKeys();
  return storeSettings(storage, records);
}

/** A queue that sends to its dead letters what was received `maxReceives` times. */
export async function createQueues(
  sqs: SQSClient,
  names: { queue: string; deadLetters: string },
  maxReceives: number,
): Promise<void> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: names.deadLetters }));
  const attributes = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
  const deadLetterTargetArn = (await sqs.send(attributes)).Attributes?.QueueArn;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: maxReceives });
  await sqs.send(new CreateQueueCommand({ QueueName: names.queue, Attributes: { RedrivePolicy } }));
}

/** Ready clients for servers of S3 and SQS, or for one that answers for both. */
export function clients(endpoint: string, sqsEndpoint = endpoint): { s3: S3Client; sqs: SQSClient } {
  return {
    s3: new S3Client({ ...identity, endpoint, forcePathStyle: true }),
    // Queue URLs of emulators name hosts that do not resolve.
    sqs: new SQSClient({ ...identity, endpoint: sqsEndpoint, useQueueUrlAsEndpoint: false }),
  };
}

/** Clients of an address where nobody answers; they do not try again. */
export function deafClients(): { s3: S3Client; sqs: SQSClient; dynamodb: DynamoDBClient } {
  const options = { ...identity, endpoint: 'http://127.0.0.1:9', maxAttempts: 1 };
  return {
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
    dynamodb: new DynamoDBClient(options),
  };
}
