import type { ImageAsRead, ImageChange, ImageRecord, Owed } from './images.ts';
import {
  MAX_REQUESTED,
  type VariantChange,
  type VariantCounts,
  type VariantRecord,
  type VariantStatus,
} from './variants.ts';

/**
 * An image after `change`; `undefined` in it removes a field, but never the status. That results became smaller is no
 * update of the image.
 */
export function changedImage(image: ImageRecord, change: ImageChange, now: string): ImageRecord {
  const status = change.status ?? image.status;
  const updatedAt = Object.keys(change).every((field) => field === 'upgraded') ? image.updatedAt : now;
  const changed = { ...image, ...change, status, updatedAt, revision: image.revision + 1 };
  return JSON.parse(JSON.stringify(changed));
}

/** What makes a tombstone of an image; nobody waits for bytes of it any more. */
export function burial(owed: Owed): ImageChange {
  return { owed, openUntil: undefined, claim: undefined };
}

/** A variant after `change`. What is said of one status goes with it. */
export function changedVariant(
  before: VariantRecord,
  change: VariantChange,
  updatedAt: string,
): VariantRecord {
  const { id, variant, version, queuedAt, requested } = before;
  const { attempt, ...facts } = change;
  const attempts = before.attempts + (attempt ? 1 : 0);
  return { id, variant, version, ...facts, attempts, queuedAt, ...(requested && { requested }), updatedAt };
}

/** Whether a record is the one that was read, unwritten since. Its time tells it from others that had its id. */
export function isUnchanged(record: ImageRecord, as: ImageAsRead | undefined): boolean {
  return as === undefined || (record.createdAt === as.createdAt && record.revision === as.revision);
}

/** A variant that is queued now; `requested` as withRequested gives it. */
export function queuedVariant(
  { id, variant, version, requested }: Pick<VariantRecord, 'id' | 'variant' | 'version' | 'requested'>,
  queuedAt: string,
): VariantRecord {
  const texts = requested && { requested };
  return { id, variant, status: 'queued', version, attempts: 0, queuedAt, ...texts, updatedAt: queuedAt };
}

/** The texts by which a variant was asked for, those of now last; undefined where there are none. */
export function withRequested(
  before: readonly string[] = [],
  more: readonly string[] = [],
): readonly string[] | undefined {
  const texts = [...before.filter((text) => !more.includes(text)), ...new Set(more)];
  return texts.length > 0 ? texts.slice(-MAX_REQUESTED) : undefined;
}

/** Whether a variant says these texts already, in this order. */
export function isRequestedBy(
  { requested = [] }: Pick<VariantRecord, 'requested'>,
  texts: readonly string[] = [],
): boolean {
  return texts.length === requested.length && texts.every((text, index) => text === requested[index]);
}

/** How many of these variants are under way no more. */
export function countsOf(variants: readonly Pick<VariantRecord, 'status'>[]): VariantCounts {
  const isUnderWay = ({ status }: Pick<VariantRecord, 'status'>) =>
    status === 'queued' || status === 'rendering';
  const total = variants.length;
  return { done: total - variants.filter(isUnderWay).length, total };
}

/** Statuses that queueing starts over. */
export const ENDED: readonly VariantStatus[] = ['failed', 'skipped', 'expired'];

/** Whether queueing for `version` leaves the variant as it is. */
export function isQueuedOrBetter(
  variant: VariantRecord | undefined,
  version: string,
): variant is VariantRecord {
  return variant?.version === version && !ENDED.includes(variant.status);
}
