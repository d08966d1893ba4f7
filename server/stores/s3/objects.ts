import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { unavailable } from '../../shared/errors.ts';
import { incoming, streamed } from '../body.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { attempt, errorName, sending } from '../errors.ts';
import type {
  Condition,
  Form,
  FormPolicy,
  NewObject,
  ObjectFacts,
  Objects,
  StoredFacts,
  StoredObject,
} from '../objects.ts';
import type { Page } from '../page.ts';
import { isMarked, marked, mayBeDone } from './marks.ts';
import { absent, factsOf, inputOf, isConditional, unquoted, withLate } from './shapes.ts';
import { uploadParts } from './upload.ts';

/** What DeleteObjects takes. */
const BATCH = 1000;
/** ms until the answer of a call without a body begins. A removal of many keys that is cut off is repeated whole. */
const ANSWER_MS = 10_000;
/** For a look at what became of a write. */
const LOOK_MS = 5_000;

/** Options of such a call. */
const asking = (signal: AbortSignal | undefined) => ({ ...sending(signal), requestTimeout: ANSWER_MS });

/**
 * Objects in a bucket of S3 or of anything compatible. The client brings region, endpoint, retries and
 * timeouts. The role needs s3:GetObject, PutObject, DeleteObject, AbortMultipartUpload, and ListBucket,
 * without which S3 answers 403 instead of 404 for a key that is not there.
 */
export class S3Objects implements Objects {
  /** The bucket's notifications go to the queue. */
  readonly announces = true;
  /** Not of parts, nor of what is encrypted with a key of KMS: the client compares what the bucket has checksums of. */
  readonly hasMd5 = false;
  readonly #client: S3Client;
  readonly bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.bucket = bucket;
  }

  async head(key: string, signal?: AbortSignal): Promise<StoredFacts | undefined> {
    return attempt(signal, async () => {
      const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key });
      const output = await this.#client.send(command, asking(signal)).catch(absent);
      return output && factsOf(key, output);
    });
  }

  async get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return attempt(signal, async () => {
      const command = new GetObjectCommand({ Bucket: this.bucket, Key: key });
      const output = await this.#client.send(command, asking(signal)).catch(absent);
      if (!output) return undefined;
      const source = output.Body instanceof Readable ? output.Body : Readable.from([]);
      return streamed(factsOf(key, output), source, signal);
    });
  }

  async put(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    object: NewObject,
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined> {
    const isPlain = body instanceof Uint8Array && !isConditional(object);
    // Whole bytes without a condition may be sent twice. Viewers see metadata where results come first.
    const { mark, metadata } = isPlain
      ? { mark: undefined, metadata: object.metadata }
      : marked(object.metadata);
    const input = inputOf(this.bucket, key, { ...object, ...(metadata && { metadata }) });
    const source = incoming(withLate(body, object, input), signal);
    try {
      const written =
        body instanceof Uint8Array
          ? this.#client.send(new PutObjectCommand({ ...input, Body: body }), sending(signal))
          : uploadParts(this.#client, input, source);
      const etag = unquoted((await written).ETag);
      // S3 does not say; its own clock differs by little, and Last-Modified has whole seconds.
      const lastModified = new Date(Math.floor(Date.now() / 1000) * 1000);
      return { key, etag, size: source.size, lastModified };
    } catch (error) {
      if (source.failure) throw source.failure.error;
      return this.#outcome(key, { ...object, mark }, error, signal);
    }
  }

  async copy(
    from: string,
    to: string,
    condition: Condition = {},
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined> {
    const source = `${this.bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
    const found = await this.head(from, signal);
    if (!found) return undefined;
    const { contentType = 'application/octet-stream', cacheControl } = found;
    const { mark, metadata } = marked(found.metadata);
    const object = { contentType, metadata, ...condition };
    try {
      const input = inputOf(
        this.bucket,
        to,
        cacheControl === undefined ? object : { ...object, cacheControl },
      );
      const copying = new CopyObjectCommand({ ...input, CopySource: source, MetadataDirective: 'REPLACE' });
      const output = await this.#client.send(copying, sending(signal)).catch(absent);
      if (!output) return undefined;
      const { ETag, LastModified = new Date() } = output.CopyObjectResult ?? {};
      return { key: to, etag: unquoted(ETag), size: found.size, lastModified: LastModified };
    } catch (error) {
      return this.#outcome(to, { ...condition, mark }, error, signal);
    }
  }

  /** S3 checks size, type and key. */
  form({ key, contentType, size, seconds }: FormPolicy): Promise<Form> {
    return attempt(undefined, () =>
      createPresignedPost(this.#client, {
        Bucket: this.bucket,
        Key: key,
        Fields: { 'Content-Type': contentType },
        Conditions: [
          ['content-length-range', size, size],
          ['eq', '$Content-Type', contentType],
        ],
        Expires: seconds,
      }),
    );
  }

  async remove(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    await attempt(signal, async () => {
      for (let index = 0; index < keys.length; index += BATCH)
        await this.#delete(keys.slice(index, index + BATCH), signal);
    });
  }

  async removeAll(prefix: string, signal?: AbortSignal): Promise<number> {
    return attempt(signal, async () => {
      let removed = 0;
      let token: string | undefined;
      do {
        const page = { Bucket: this.bucket, Prefix: prefix, Delimiter: '/', ContinuationToken: token };
        const output = await this.#client.send(new ListObjectsV2Command(page), asking(signal));
        const keys = (output.Contents ?? []).flatMap(({ Key = [] }) => Key);
        await this.#delete(keys, signal);
        removed += keys.length;
        token = output.NextContinuationToken;
      } while (token !== undefined);
      return removed;
    });
  }

  async list(
    page: { prefix: string; limit: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<Page<ObjectFacts>> {
    // A key, not S3's token: it stays good however long the caller waits.
    const after = decodeCursor(page.cursor, ['after'])?.after;
    return attempt(signal, async () => {
      const range = { Bucket: this.bucket, Prefix: page.prefix, MaxKeys: page.limit, StartAfter: after };
      const output = await this.#client.send(new ListObjectsV2Command(range), asking(signal));
      const items = (output.Contents ?? []).map(
        ({ Key = '', ETag, Size = 0, LastModified = new Date(0) }) => ({
          key: Key,
          etag: unquoted(ETag),
          size: Size,
          lastModified: LastModified,
        }),
      );
      const last = items.at(-1);
      return output.IsTruncated && last ? { items, next: encodeCursor({ after: last.key }) } : { items };
    });
  }

  async ping(signal?: AbortSignal): Promise<void> {
    await attempt(signal, () =>
      this.#client.send(new HeadBucketCommand({ Bucket: this.bucket }), asking(signal)),
    );
  }

  /**
   * What became of a write that ended in an error: an answer that got lost is made up for by looking.
   *
   * @throws Problem `store_unavailable`, `store_refused`
   */
  async #outcome(
    key: string,
    { mark, ...condition }: Condition & { mark: string | undefined },
    error: unknown,
    signal?: AbortSignal,
  ): Promise<ObjectFacts | undefined> {
    const own = mark && !signal?.aborted && mayBeDone(error) ? await this.#marked(key, mark) : undefined;
    if (own) return own;
    if (await this.#isRefused(key, condition, error, signal)) return undefined;
    throw unavailable(error, signal);
  }

  async #marked(key: string, mark: string): Promise<ObjectFacts | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key });
    const patience = AbortSignal.timeout(LOOK_MS);
    const output = await this.#client.send(command, asking(patience)).catch(() => undefined);
    if (!output || !isMarked(output.Metadata, mark)) return undefined;
    const { etag, size, lastModified } = factsOf(key, output);
    return { key, etag, size, lastModified };
  }

  /**
   * 409 means that another conditional write of the key was under way; it may have failed since. A write on condition of
   * an object that is gone is 404.
   */
  async #isRefused(
    key: string,
    { ifAbsent, ifMatch }: Condition,
    error: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const name = errorName(error);
    if (!isConditional({ ifAbsent, ifMatch })) return false;
    if (name === 'PreconditionFailed') return true;
    if (name === 'NoSuchKey') return ifMatch !== undefined;
    if (name !== 'ConditionalRequestConflict') return false;
    const there = (await this.head(key, signal))?.etag;
    return ifAbsent ? there !== undefined : there !== ifMatch;
  }

  async #delete(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    if (keys.length === 0) return;
    const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
    const command = new DeleteObjectsCommand({ Bucket: this.bucket, Delete });
    const { Errors: [failed] = [] } = await this.#client.send(command, asking(signal));
    if (failed) throw new Error(`${failed.Code} for ${failed.Key}: ${failed.Message}`);
  }
}
