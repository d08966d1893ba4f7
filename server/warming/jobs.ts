import { randomUUID } from 'node:crypto';
import { isId } from '../core/query/id.ts';
import { isSetBack } from '../shared/set-back.ts';
import { MAX_DELAY_SECONDS } from '../stores/job-bodies.ts';
import type { Jobs, OutgoingJob } from '../stores/jobs.ts';
import {
  type Buckets,
  isRecord,
  isText,
  type ObjectsJob,
  readEventBridge,
  readS3,
  type UnknownJob,
} from './s3-events.ts';

/** Render these variants of an image, if it is still of this version. */
export interface WarmJob {
  readonly kind: 'warm';
  readonly id: string;
  /** Of the original, see versionOf. */
  readonly version: string;
  /** Canonical forms, format resolved; 1 to MAX_VARIANTS. */
  readonly variants: readonly string[];
}

export type Channel = 'topic' | 'webhook';

/** What leaves the process keeps count of its tries itself: those of the queue are for renders. */
export interface Retried {
  /** So far; absent: none. */
  readonly tries?: number;
  /** Not before, Unix seconds. */
  readonly after?: number;
}

/** Tell those who asked that an image is finished; what they are told is how it stands when they are told. */
export interface NotifyJob extends Retried {
  readonly kind: 'notify';
  readonly id: string;
  readonly channel: Channel;
  /** The same in each try, so that a receiver knows what it has had. */
  readonly message: string;
}

/** Clear an image from the cache in front of everything. */
export interface InvalidateJob extends Retried {
  readonly kind: 'invalidate';
  readonly id: string;
}

/** Fetch the original of an image from its address; what is to be fetched, and how often that was tried, is in its record. */
export interface FetchJob extends Retried {
  readonly kind: 'fetch';
  readonly id: string;
  /** Whether it has waited for its turn at the host, and was given one that nothing has been asked in yet. */
  readonly hasTurn?: boolean;
}

/** Make results smaller that were made while somebody waited, if the image is still of this version. */
export interface UpgradeJob {
  readonly kind: 'upgrade';
  readonly id: string;
  /** Of the original, see versionOf. */
  readonly version: string;
  /** Canonical forms, format resolved, whose results are there. */
  readonly stored: readonly string[];
  /** The same of those that were only made in haste: nothing is there yet. */
  readonly missing: readonly string[];
}

export type Job = WarmJob | UpgradeJob | ObjectsJob | NotifyJob | InvalidateJob | FetchJob | UnknownJob;

/** Jobs that come again by themselves until they are done. */
type RetriedJob = NotifyJob | InvalidateJob | FetchJob;

/** What a handler throws that has done what can be done now: another job takes the place of its message. */
export class Later extends Error {
  readonly job: OutgoingJob;

  /** @param cause  of a try that failed; undefined when it was not yet time for one */
  constructor(job: OutgoingJob, cause: unknown) {
    super(`Another try in ${job.delaySeconds ?? 0} s.`, { cause });
    this.job = job;
  }
}

/**
 * The job once more, after a pause that may be longer than the queue delays.
 *
 * @param now  Unix seconds
 */
export function again<T extends RetriedJob>(job: T, seconds: number, now: number): OutgoingJob {
  const after = Math.ceil(now + seconds);
  const body = JSON.stringify({ ...job, tries: (job.tries ?? 0) + 1, after });
  return { body, delaySeconds: Math.min(MAX_DELAY_SECONDS, Math.ceil(seconds)) };
}

/** Of all pauses between two tries: that of webhooks, with its jitter. */
const LONGEST_PAUSE_SECONDS = 40_000;

/** @throws Later  where it is not yet time for the job */
export function checkTime(job: RetriedJob, now: number): void {
  const seconds = Math.ceil((job.after ?? 0) - now);
  if (seconds <= 1 || isSetBack((job.after ?? 0) * 1000, now * 1000, LONGEST_PAUSE_SECONDS)) return;
  throw new Later(
    { body: JSON.stringify(job), delaySeconds: Math.min(MAX_DELAY_SECONDS, seconds) },
    undefined,
  );
}

/** One message stays far below SQS's 256 KiB, and one crash repeats little. */
export const MAX_VARIANTS = 50;

/** The work of one image; long lists are split. */
export function warmJobs(id: string, version: string, variants: readonly string[]): OutgoingJob[] {
  const jobs: OutgoingJob[] = [];
  for (let start = 0; start < variants.length; start += MAX_VARIANTS) {
    const part = variants.slice(start, start + MAX_VARIANTS);
    const body = JSON.stringify({ kind: 'warm', id, version, variants: part } satisfies WarmJob);
    jobs.push({ body, key: body });
  }
  return jobs;
}

/** The upgrades of one image; long lists are split. */
export function upgradeJobs({ id, version, stored, missing }: Omit<UpgradeJob, 'kind'>): OutgoingJob[] {
  const names = [...stored, ...missing];
  const jobs: OutgoingJob[] = [];
  for (let start = 0; start < names.length; start += MAX_VARIANTS) {
    const part = names.slice(start, start + MAX_VARIANTS);
    const of = (list: readonly string[]) => part.filter((name) => list.includes(name));
    const job: UpgradeJob = { kind: 'upgrade', id, version, stored: of(stored), missing: of(missing) };
    const body = JSON.stringify(job);
    jobs.push({ body, key: body });
  }
  return jobs;
}

export async function sendWarm(
  jobs: Jobs,
  id: string,
  version: string,
  variants: readonly string[],
): Promise<void> {
  const bodies = warmJobs(id, version, variants);
  if (bodies.length) await jobs.send(bodies);
}

export function objectJob(id: string, change: 'created' | 'removed', etag?: string): OutgoingJob {
  const event = etag === undefined ? { id, change } : { id, change, etag };
  return { body: JSON.stringify({ kind: 'objects', events: [event] } satisfies ObjectsJob) };
}

/** Says that an object came or went, for stores that send no events of their own (the embedded default). */
export async function sendObject(
  jobs: Jobs,
  id: string,
  change: 'created' | 'removed',
  etag?: string,
): Promise<void> {
  await jobs.send([objectJob(id, change, etag)]);
}

/** A message for each channel, so that one that fails does not repeat the others. */
export function notifyJobs(id: string, channels: readonly Channel[]): OutgoingJob[] {
  return channels.map((channel) => {
    const job: NotifyJob = { kind: 'notify', id, channel, message: `msg_${randomUUID()}` };
    return { body: JSON.stringify(job), key: `notify ${channel} ${id}` };
  });
}

export function invalidateJob(id: string): OutgoingJob {
  return {
    body: JSON.stringify({ kind: 'invalidate', id } satisfies InvalidateJob),
    key: `invalidate ${id}`,
  };
}

export function fetchJob(id: string): OutgoingJob {
  return { body: JSON.stringify({ kind: 'fetch', id } satisfies FetchJob), key: `fetch ${id}` };
}

/**
 * Reads a message: one of ours, or an S3 event as S3 sends it to SQS (straight, through SNS or through EventBridge).
 * Never throws: whatever the queue holds, the messages behind it are to be worked on.
 *
 * @param buckets  of the deployment, by which an event is told to be of a result, of an original, or of nobody; undefined: all are of
 *                 originals
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export function readJob(body: string, buckets?: Buckets): Job {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { kind: 'unknown', reason: 'not JSON' };
  }
  if (!isRecord(parsed)) return { kind: 'unknown', reason: 'not an object' };
  if (parsed['kind'] === 'warm') return readWarm(parsed);
  if (parsed['kind'] === 'upgrade') return readUpgrade(parsed);
  if (parsed['kind'] === 'notify') return readNotify(parsed);
  if (parsed['kind'] === 'invalidate') return readOf('invalidate', parsed);
  if (parsed['kind'] === 'fetch') {
    const job = readOf('fetch', parsed);
    return job.kind === 'fetch' && parsed['hasTurn'] === true ? { ...job, hasTurn: true } : job;
  }
  if (parsed['kind'] === 'objects' && Array.isArray(parsed['events'])) {
    return { kind: 'objects', events: parsed['events'].filter(isEvent) };
  }
  if (Array.isArray(parsed['Records'])) return readS3(parsed['Records'], buckets);
  if (parsed['source'] === 'aws.s3') return readEventBridge(parsed, buckets);
  if (parsed['Type'] === 'Notification' && isText(parsed['Message']))
    return readJob(parsed['Message'], buckets);
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

function readUpgrade({ id, version, stored, missing }: Record<string, unknown>): Job {
  const areTexts = (list: unknown): list is string[] => Array.isArray(list) && list.every(isText);
  return isText(id) && isId(id) && isText(version) && areTexts(stored) && areTexts(missing)
    ? { kind: 'upgrade', id, version, stored, missing }
    : { kind: 'unknown', reason: 'an upgrade job without its parts' };
}

/** Of programs before, a message has no name of its own. */
function readNotify({ id, channel, message, ...rest }: Record<string, unknown>): Job {
  if (!isText(id) || !isId(id) || (channel !== 'topic' && channel !== 'webhook'))
    return { kind: 'unknown', reason: 'a notify job without its parts' };
  const name = isText(message) ? message : `msg_${randomUUID()}`;
  return { kind: 'notify', id, channel, message: name, ...readRetried(rest) };
}

function readOf(kind: 'invalidate' | 'fetch', { id, ...rest }: Record<string, unknown>): Job {
  return isText(id) && isId(id)
    ? { kind, id, ...readRetried(rest) }
    : { kind: 'unknown', reason: `${kind} job without its parts` };
}

function readRetried({ tries, after }: Record<string, unknown>): Retried {
  return {
    ...(typeof tries === 'number' && { tries }),
    ...(typeof after === 'number' && { after }),
  };
}

function isEvent(event: unknown): event is ObjectsJob['events'][number] {
  return (
    isRecord(event) && isText(event['id']) && (event['change'] === 'created' || event['change'] === 'removed')
  );
}
