import type {
  ImageAsRead,
  ImageChange,
  ImageRecord,
  Owed,
  VariantChange,
  VariantRecord,
  VariantStatus,
} from './contracts.ts';

/** An image after `change`; `undefined` in it removes a field, but never the status. */
export function changedImage(image: ImageRecord, change: ImageChange, updatedAt: string): ImageRecord {
  const status = change.status ?? image.status;
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
  const { id, variant, version, queuedAt } = before;
  const { attempt, ...facts } = change;
  const attempts = before.attempts + (attempt ? 1 : 0);
  return { id, variant, version, ...facts, attempts, queuedAt, updatedAt };
}

/** Whether a record is the one that was read, unwritten since. Its time tells it from others that had its id. */
export function isUnchanged(record: ImageRecord, as: ImageAsRead | undefined): boolean {
  return as === undefined || (record.createdAt === as.createdAt && record.revision === as.revision);
}

export function queuedVariant(id: string, variant: string, version: string, queuedAt: string): VariantRecord {
  return { id, variant, status: 'queued', version, attempts: 0, queuedAt, updatedAt: queuedAt };
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
