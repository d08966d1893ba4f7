import { isId, STAGED } from '../core/query/id.ts';
import { hasBucket, idsOfKey, type Source } from '../shared/sources.ts';

/** An object of the originals bucket came, changed or went, by whatever hand. */
export interface ObjectsJob {
  readonly kind: 'objects';
  readonly events: ReadonlyArray<{
    readonly id: string;
    readonly change: 'created' | 'removed';
    readonly etag?: string;
  }>;
  /** Keys of objects that came and cannot be images; absent when there are none. */
  readonly unservable?: readonly string[];
  /** Keys that uploads of ours wait under, forms that were posted among them; absent when there are none. */
  readonly staged?: readonly string[];
  /** Keys of results that have gone from their bucket; absent when there are none. */
  readonly expired?: readonly string[];
  /** Buckets whose events are none of ours; absent when there are none. */
  readonly strange?: readonly string[];
}

/** The buckets of a deployment. */
export interface Buckets {
  readonly results?: string | undefined;
  readonly originals?: string | undefined;
  readonly sources?: readonly Source[];
}

/** A message that no version of this program has written. */
export interface UnknownJob {
  readonly kind: 'unknown';
  readonly reason: string;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
export const isText = (value: unknown): value is string => typeof value === 'string';

/** What became of an object of a bucket. */
interface S3Event {
  readonly bucket: unknown;
  readonly key: string;
  readonly change: 'created' | 'removed';
  readonly etag: unknown;
}

/** Behind one the bucket has another name, which only its events tell. */
const isAccessPoint = (name = ''): boolean => name.startsWith('arn:') || name.endsWith('-s3alias');

/** What the objects of an event are called here; undefined for a bucket that is none of ours. */
function idsOf({ bucket, key }: S3Event, { originals, sources = [] }: Buckets): string[] | undefined {
  if (!isText(bucket) || bucket === originals) return [key];
  if (hasBucket(bucket, sources)) return idsOfKey(bucket, key, sources);
  return isAccessPoint(originals) ? [key] : undefined;
}

/** @param buckets  undefined: whoever asks has no use for ids */
function objectsJob(all: readonly S3Event[], buckets: Buckets | undefined): ObjectsJob {
  const isResult = ({ bucket }: S3Event) => buckets?.results !== undefined && bucket === buckets.results;
  const told = all
    .filter((event) => !isResult(event))
    .map((event) => ({ event, ids: buckets ? idsOf(event, buckets) : [event.key] }));
  const events = told.flatMap(({ event: { change, etag }, ids = [] }) =>
    ids.map((id) => (isText(etag) ? { id, change, etag } : { id, change })),
  );
  const strange = [...new Set(told.flatMap(({ event, ids }) => (ids ? [] : [String(event.bucket)])))];
  const others = events.filter(({ id, change }) => change === 'created' && !isId(id)).map(({ id }) => id);
  // Uploads of our own wait where no id is.
  const staged = others.filter((key) => key.startsWith(STAGED));
  const unservable = others.filter((key) => !key.startsWith(STAGED));
  // Whoever stores a result knows of it; that one goes is told by nobody else.
  const expired = all.filter((event) => isResult(event) && event.change === 'removed').map(({ key }) => key);
  return {
    kind: 'objects',
    events: events.filter(({ id }) => isId(id)),
    ...(unservable.length > 0 && { unservable }),
    ...(staged.length > 0 && { staged }),
    ...(expired.length > 0 && { expired }),
    ...(strange.length > 0 && { strange }),
  };
}

const EVENTBRIDGE_CHANGES: Readonly<Record<string, S3Event['change']>> = {
  'Object Created': 'created',
  'Object Deleted': 'removed',
};

const bucketOf = (part: Record<string, unknown>): unknown =>
  isRecord(part['bucket']) ? part['bucket']['name'] : undefined;

/**
 * The form in which S3 sends events through EventBridge: one object each, its key as it is.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
export function readEventBridge(
  { detail, 'detail-type': type }: Record<string, unknown>,
  buckets: Buckets | undefined,
): ObjectsJob | UnknownJob {
  const object = isRecord(detail) ? detail['object'] : undefined;
  const change = isText(type) ? EVENTBRIDGE_CHANGES[type] : undefined;
  if (!isRecord(detail) || !isRecord(object) || !isText(object['key']))
    return { kind: 'unknown', reason: 'an event without a key' };
  // Others tell of tags, tiers and restores.
  if (!change) return { kind: 'objects', events: [] };
  return objectsJob(
    [{ bucket: bucketOf(detail), key: object['key'], change, etag: object['etag'] }],
    buckets,
  );
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
export function readS3(records: readonly unknown[], buckets: Buckets | undefined): ObjectsJob | UnknownJob {
  try {
    return objectsJob(records.flatMap(readRecord), buckets);
  } catch {
    return { kind: 'unknown', reason: 'a key that is not form-encoded' };
  }
}

/**
 * Keys come form-encoded.
 *
 * @throws URIError  for a key that is not encoded so
 */
function readRecord(record: unknown): S3Event[] {
  const name = isRecord(record) ? record['eventName'] : undefined;
  const s3 = isRecord(record) ? record['s3'] : undefined;
  const object = isRecord(s3) ? s3['object'] : undefined;
  if (!isText(name) || !isRecord(s3) || !isRecord(object) || !isText(object['key'])) return [];
  const key = decodeURIComponent(object['key'].replaceAll('+', ' '));
  const event = { bucket: bucketOf(s3), key, etag: object['eTag'] };
  if (name.includes('ObjectCreated')) return [{ ...event, change: 'created' }];
  const isGone = name.includes('ObjectRemoved') || name.includes('LifecycleExpiration');
  return isGone ? [{ ...event, change: 'removed', etag: undefined }] : [];
}
