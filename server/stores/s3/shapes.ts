import type { HeadObjectOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { errorName } from '../errors.ts';
import type { Condition, NewObject, StoredFacts } from '../objects.ts';
import { withoutMark } from './marks.ts';
import { decodeMetadata, encodeMetadata } from './metadata.ts';

export function inputOf(bucket: string, key: string, object: NewObject): PutObjectCommandInput {
  const { contentType, cacheControl, metadata = {} } = object;
  return {
    Bucket: bucket,
    Key: key,
    ContentType: contentType,
    Metadata: encodeMetadata(metadata),
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
    ...conditionOf(object),
  };
}

export const isConditional = ({
  ifAbsent,
  ifMatch,
}: { [Name in keyof Condition]: Condition[Name] | undefined }): boolean =>
  ifAbsent === true || ifMatch !== undefined;

function conditionOf({ ifAbsent, ifMatch }: Condition): { IfNoneMatch?: string; IfMatch?: string } {
  return { ...(ifAbsent && { IfNoneMatch: '*' }), ...(ifMatch !== undefined && { IfMatch: `"${ifMatch}"` }) };
}

export function factsOf(key: string, output: HeadObjectOutput): StoredFacts {
  return {
    key,
    etag: unquoted(output.ETag),
    size: output.ContentLength ?? 0,
    lastModified: output.LastModified ?? new Date(0),
    contentType: output.ContentType,
    cacheControl: output.CacheControl,
    metadata: withoutMark(decodeMetadata(output.Metadata ?? {})),
  };
}

export function unquoted(etag = ''): string {
  return etag.replaceAll('"', '');
}

/** For `catch`: HEAD has no body to name the error in, hence the two names. */
export function absent(error: unknown): undefined {
  if (!['NoSuchKey', 'NotFound'].includes(errorName(error))) throw error;
}

/** The body, at whose end the metadata is whole: what fits one part is sent only then. */
export function withLate(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  { lateMetadata }: NewObject,
  { Metadata = {} }: PutObjectCommandInput,
): Uint8Array | AsyncIterable<Uint8Array> {
  if (!lateMetadata) return body;
  const add = () => void Object.assign(Metadata, encodeMetadata(lateMetadata()));
  if (!(body instanceof Uint8Array)) return followed(body, add);
  add();
  return body;
}

async function* followed(body: AsyncIterable<Uint8Array>, end: () => void): AsyncGenerator<Uint8Array> {
  yield* body;
  end();
}
