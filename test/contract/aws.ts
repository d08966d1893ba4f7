import { randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Jobs } from '../../server/stores/contracts.ts';
import { SqsJobs } from '../../server/stores/sqs/jobs.ts';
import { createQueues } from '../support/emulators.ts';

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
