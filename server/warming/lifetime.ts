import type { VariantChange, VariantRecord } from '../stores/variants.ts';

/** Which results are served, and how long their store keeps them. */
export interface Lifetime {
  /** Of the pipeline; others lie where nobody looks. */
  readonly epoch: string;
  /** 0: for ever. */
  readonly days: number;
}

/** Why a result has expired before its time. Unless somebody asks, it is not made again: it would take the room of others. */
export const EVICTED = 'Removed to make room for results that are used; made again when it is asked for.';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * From when on the store may remove what was written at a time: S3 adds the days and rounds up to the next midnight, UTC.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
function expiryOf(storedAt: Date, days: number): Date {
  return new Date((Math.floor(storedAt.getTime() / DAY_MS + days) + 1) * DAY_MS);
}

/** What the record of a variant says of its result, once that is stored. */
export function readyAs(
  stored: { readonly size: number; readonly storedAt: Date },
  { epoch, days }: Lifetime,
): VariantChange {
  const expires = days > 0 ? { expires: expiryOf(stored.storedAt, days).toISOString() } : {};
  return { status: 'ready', bytes: stored.size, epoch, ...expires };
}

/** Whether the store may have removed a result by now. */
export function isPast({ expires }: Pick<VariantRecord, 'expires'>, now: Date): boolean {
  return expires !== undefined && expires <= now.toISOString();
}

/** Whether a result that was ready cannot be had any more: its time is over, or its pipeline. */
export function isOver(variant: VariantRecord, lifetime: Lifetime, now: Date): boolean {
  const { status, epoch } = variant;
  const isFormer = epoch !== undefined && epoch !== lifetime.epoch;
  return status === 'ready' && (isFormer || isPast(variant, now));
}

/** A variant as it stands now, whatever was last written of it. */
export function asOfNow(variant: VariantRecord, lifetime: Lifetime, now: Date): VariantRecord {
  return isOver(variant, lifetime, now) ? { ...variant, status: 'expired' } : variant;
}
