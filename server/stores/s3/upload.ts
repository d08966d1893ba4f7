import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { Incoming } from '../body.ts';

/** Memory of one upload: two parts on their way and one that fills. Good for objects up to 80 GB. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/**
 * Writes a body of unknown size, in parts where it has more than one.
 *
 * Upload's own abort rejects while it still sends, and can leave parts or even the object behind. So `source` ends the
 * body where its signal does: Upload then waits for its parts, removes them and rejects.
 *
 * @throws what the client or the body threw, once no part is left
 */
export async function uploadParts(
  client: S3Client,
  input: PutObjectCommandInput,
  source: Incoming,
): Promise<CompleteMultipartUploadCommandOutput> {
  const params = { ...input, Body: Readable.from(source.chunks, { objectMode: false }) };
  const upload = new Upload({ client, params, partSize: PART_BYTES, queueSize: PARTS_AT_ONCE });
  try {
    return await upload.done();
  } catch (error) {
    await abortParts(client, input, upload.uploadId);
    throw error;
  }
}

/** The library leaves the parts where the store refuses their completion; they would be paid for. */
async function abortParts(
  client: S3Client,
  { Bucket, Key }: PutObjectCommandInput,
  UploadId: string | undefined,
): Promise<void> {
  if (!UploadId) return;
  // Gone already where the library has done it.
  await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
}
