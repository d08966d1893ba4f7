import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';

const identity = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

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

export async function startStorage(options: { maxReceives?: number } = {}): Promise<StorageEmulator> {
  const server = await startFauxqs({ port: 0, logger: false });
  const names = { originals: 'originals', results: 'results', queue: 'warm', deadLetters: 'warm-dead' };
  const maxReceives = options.maxReceives ?? 3;
  server.createBucket(names.originals);
  server.createBucket(names.results);
  const { queueArn } = server.createQueue(names.deadLetters);
  const redrive = { deadLetterTargetArn: queueArn, maxReceiveCount: maxReceives };
  server.createQueue(names.queue, { attributes: { RedrivePolicy: JSON.stringify(redrive) } });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const { s3, sqs } = clients(endpoint);
  return {
    ...names,
    ...{ endpoint, s3, sqs, maxReceives },
    stop: async () => {
      s3.destroy();
      sqs.destroy();
      await server.stop();
    },
  };
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
export function deafClients(): { s3: S3Client; sqs: SQSClient } {
  const options = { ...identity, endpoint: 'http://127.0.0.1:9', maxAttempts: 1 };
  return {
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
  };
}
