import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import type { Test } from 'tap';
import type { RecordsEmulator } from './emulators.dynamodb.ts';

export const identity = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};

/** S3 and SQS over the wire, in this process, in memory. Listens on all addresses: fauxqs cannot do less. */
export interface StorageEmulator {
  endpoint: string;
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

export async function startStorage({ maxReceives = 3 } = {}): Promise<StorageEmulator> {
  const server = await startFauxqs({ port: 0, logger: false });
  const names = { originals: 'originals', results: 'results', queue: 'warm', deadLetters: 'warm-dead' };
  server.createBucket(names.originals);
  server.createBucket(names.results);
  const endpoint = `http://127.0.0.1:${server.port}`;
  const { s3, sqs } = clients(endpoint);
  await createQueues(sqs, names, maxReceives);
  return {
    ...names,
    endpoint,
    s3,
    sqs,
    maxReceives,
    stop: async () => {
      s3.destroy();
      sqs.destroy();
      await server.stop();
    },
  };
}

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
  // No setting of ours: the SDK reads them from the process.
  process.env['AWS_REGION'] = identity.region;
  process.env['AWS_ACCESS_KEY_ID'] = identity.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = identity.credentials.secretAccessKey;
  return {
    ORIGINALS_BUCKET: storage.originals,
    RESULTS_BUCKET: storage.results,
    S3_ENDPOINT: storage.endpoint,
    JOBS_QUEUE: storage.queue,
    JOBS_DEAD_LETTER_QUEUE: storage.deadLetters,
    SQS_ENDPOINT: storage.endpoint,
    RECORDS_TABLE: records.table,
    DYNAMODB_ENDPOINT: records.endpoint,
  };
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

/** Ready clients for an emulator that answers for S3 and SQS at one address. */
export function clients(endpoint: string): { s3: S3Client; sqs: SQSClient } {
  return {
    s3: new S3Client({ ...identity, endpoint, forcePathStyle: true }),
    // Queue URLs of emulators name hosts that do not resolve.
    sqs: new SQSClient({ ...identity, endpoint, useQueueUrlAsEndpoint: false }),
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
