import { isId, STAGED } from '../core/query/id.ts';
import type { Jobs } from '../stores/contracts.ts';

/** Render these variants of an image, if it is still of this version. */
export interface WarmJob {
  readonly kind: 'warm';
  readonly id: string;
  /** Of the original, see versionOf. */
  readonly version: string;
  /** Canonical forms, format resolved; 1 to MAX_VARIANTS. */
  readonly variants: readonly string[];
}

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
}

export type Channel = 'topic' | 'webhook';

/** Tell those who asked that an image is finished; what they are told is how it stands when they are told. */
export interface NotifyJob {
  readonly kind: 'notify';
  readonly id: string;
  readonly channel: Channel;
}

/** A message that no version of this program has written. */
export interface UnknownJob {
  readonly kind: 'unknown';
  readonly reason: string;
}

export type Job = WarmJob | ObjectsJob | NotifyJob | UnknownJob;

/** What a handler throws whose message is to come again after a pause of its own. */
export class Later extends Error {
  readonly seconds: number;

  constructor(seconds: number, cause: unknown) {
    super(`Another try in ${seconds} s.`, { cause });
    this.seconds = seconds;
  }
}

/** One message stays far below SQS's 256 KiB, and one crash repeats little. */
export const MAX_VARIANTS = 50;

/** Sends the work of one image; long lists are split. */
export async function sendWarm(
  jobs: Jobs,
  id: string,
  version: string,
  variants: readonly string[],
): Promise<void> {
  const bodies: string[] = [];
  for (let index = 0; index < variants.length; index += MAX_VARIANTS) {
    const job: WarmJob = { kind: 'warm', id, version, variants: variants.slice(index, index + MAX_VARIANTS) };
    bodies.push(JSON.stringify(job));
  }
  if (bodies.length) await jobs.send(bodies);
}

/** Says that an object came or went, for stores that send no events of their own (the embedded default). */
export async function sendObject(
  jobs: Jobs,
  id: string,
  change: 'created' | 'removed',
  etag?: string,
): Promise<void> {
  const job: ObjectsJob = {
    kind: 'objects',
    events: [etag === undefined ? { id, change } : { id, change, etag }],
  };
  await jobs.send([JSON.stringify(job)]);
}

/** A message for each channel, so that one that fails does not repeat the others. */
export async function sendNotify(jobs: Jobs, id: string, channels: readonly Channel[]): Promise<void> {
  const bodies = channels.map((channel) =>
    JSON.stringify({ kind: 'notify', id, channel } satisfies NotifyJob),
  );
  if (bodies.length) await jobs.send(bodies);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';

/**
 * Reads a message: one of ours, or an S3 event notification as S3 sends it to SQS (straight, or through SNS).
 * Never throws: whatever the queue holds, the messages behind it are to be worked on.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export function readJob(body: string): Job {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { kind: 'unknown', reason: 'not JSON' };
  }
  if (!isRecord(parsed)) return { kind: 'unknown', reason: 'not an object' };
  if (parsed['kind'] === 'warm') return readWarm(parsed);
  if (parsed['kind'] === 'notify') return readNotify(parsed);
  if (parsed['kind'] === 'objects' && Array.isArray(parsed['events'])) {
    return { kind: 'objects', events: parsed['events'].filter(isEvent) };
  }
  if (Array.isArray(parsed['Records'])) return readS3(parsed['Records']);
  if (parsed['Type'] === 'Notification' && isText(parsed['Message'])) return readJob(parsed['Message']);
  // What S3 sends once when the notification is set up.
  if (parsed['Event'] === 's3:TestEvent') return { kind: 'objects', events: [] };
  return { kind: 'unknown', reason: 'no known kind of message' };
}

function readWarm({ id, version, variants }: Record<string, unknown>): Job {
  const whole =
    isText(id) && isId(id) && isText(version) && Array.isArray(variants) && variants.every(isText);
  return whole
    ? { kind: 'warm', id, version, variants }
    : { kind: 'unknown', reason: 'a warm job without its parts' };
}

function readNotify({ id, channel }: Record<string, unknown>): Job {
  const whole = isText(id) && isId(id) && (channel === 'topic' || channel === 'webhook');
  return whole
    ? { kind: 'notify', id, channel }
    : { kind: 'unknown', reason: 'a notify job without its parts' };
}

function isEvent(event: unknown): event is ObjectsJob['events'][number] {
  return (
    isRecord(event) && isText(event['id']) && (event['change'] === 'created' || event['change'] === 'removed')
  );
}

function readS3(records: readonly unknown[]): Job {
  try {
    const events = records.flatMap(readS3Record);
    const unservable = events.filter(({ id, change }) => change === 'created' && !isId(id));
    const job = { kind: 'objects', events: events.filter(({ id }) => isId(id)) } as const;
    // Uploads of our own wait where no id is.
    const keys = unservable.map(({ id }) => id).filter((key) => !key.startsWith(STAGED));
    return keys.length ? { ...job, unservable: keys } : job;
  } catch {
    return { kind: 'unknown', reason: 'a key that is not form-encoded' };
  }
}

/**
 * Keys come form-encoded.
 *
 * @throws URIError  for a key that is not encoded so
 */
function readS3Record(record: unknown): ObjectsJob['events'] {
  const name = isRecord(record) ? record['eventName'] : undefined;
  const s3 = isRecord(record) ? record['s3'] : undefined;
  const object = isRecord(s3) ? s3['object'] : undefined;
  if (!isText(name) || !isRecord(object) || !isText(object['key'])) return [];
  const id = decodeURIComponent(object['key'].replaceAll('+', ' '));
  const etag = object['eTag'];
  if (name.includes('ObjectCreated'))
    return [isText(etag) ? { id, change: 'created', etag } : { id, change: 'created' }];
  return name.includes('ObjectRemoved') || name.includes('LifecycleExpiration')
    ? [{ id, change: 'removed' }]
    : [];
}
