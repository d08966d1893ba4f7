import { randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Test } from 'tap';
import type { Jobs } from '../../server/stores/jobs.ts';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { SqsJobs } from '../../server/stores/sqs/jobs.ts';
import { createQueues, deafClients, isOfNpm, type StorageEmulator } from '../support/emulators.ts';
import { objectsSuite } from './objects.suite.ts';

/** Keys of multipart uploads that were neither completed nor aborted. */
export async function unfinishedUploads(client: S3Client, bucket: string): Promise<string[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return Uploads.map(({ Key = '' }) => Key);
}

/** Jobs on queues of their own. */
export async function freshJobs(client: SQSClient, maxReceives: number): Promise<Jobs> {
  const queue = randomUUID();
  const deadLetters = `${queue}-dead`;
  await createQueues(client, { queue, deadLetters }, maxReceives);
  return new SqsJobs(client, { queue, deadLetterQueue: deadLetters });
}

const GAPS_OF_NPM = {
  'ifAbsent refuses a taken key and leaves its object alone': 'fauxqs 2.4 ignores If-None-Match',
  'of 20 writers with ifAbsent at once, one wins': 'fauxqs 2.4 ignores If-None-Match',
  'ifMatch replaces the object that has this ETag, and no other': 'fauxqs 2.4 ignores If-Match',
  'of 20 writers with ifMatch at once, one wins': 'fauxqs 2.4 ignores If-Match',
  'copies on condition of what lies at the other end': 'fauxqs 2.4 ignores conditions of copies',
  'ifAbsent on a large stream refuses a taken key': 'fauxqs 2.4 ignores If-None-Match',
  'writers that failed have left neither parts nor files':
    'fauxqs 2.4 answers ListMultipartUploads with keys',
  'lists keys in bytewise order, whatever they contain': 'fauxqs 2.4 sorts keys by locale',
};

const BELOW = 'MinIO of 2026 neither lists nor takes keys below a key that is an object itself';
const gapsOfMinio = (keyCount: number) => ({
  'keeps keys apart that differ by little, by case or by length only': BELOW,
  'removeAll clears the results of an image and leaves those of images below it': BELOW,
  [`pages through ${keyCount} keys in bytewise order and removes them all`]:
    'MinIO of 2026 loses keys behind StartAfter where `k-` and `k/` stand side by side',
  'lists keys in bytewise order, whatever they contain': BELOW,
  'copies on condition of what lies at the other end': 'MinIO of 2026 ignores conditions of copies',
});

/** The objects suite over S3. */
export function s3Suite(t: Test, storage: StorageEmulator, keyCount: number): Promise<unknown> {
  return objectsSuite(t, 'objects in S3', {
    objects: new S3Objects(storage.s3, storage.results),
    unreachable: new S3Objects(deafClients().s3, storage.results),
    leftovers: () => unfinishedUploads(storage.s3, storage.results),
    keyCount,
    gaps: isOfNpm ? GAPS_OF_NPM : gapsOfMinio(keyCount),
  });
}
