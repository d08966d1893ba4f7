import type { HeadObjectOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { Condition, NewObject, StoredFacts } from '../contracts.ts';
import { errorName } from '../errors.ts';
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
