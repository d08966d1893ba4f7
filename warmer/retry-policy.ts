import { isProblem, type ProblemCode } from '../server/shared/errors.ts';
import type { VariantRecord } from '../server/stores/variants.ts';

/**
 * What may be gone the next time; everything else that has a code is the fault of the original or the query.
 * `deadline` too: it says that a machine was slow at that moment, and what is always too slow is given up in the end.
 */
const TRANSIENT: readonly ProblemCode[] = [
  'deadline',
  'store_unavailable',
  // Until somebody has put the permission right.
  'store_refused',
  // Until there is room again.
  'storage_full',
  // Until the original is restored, or put again.
  'damaged_store',
  'source_error',
  'overloaded',
  'draining',
  'internal',
];

/** Whether trying again is of no use. An error nobody expected is tried again: it may be ours. */
export function isPermanent(error: unknown): boolean {
  return isProblem(error) && !TRANSIENT.includes(error.code);
}

const GAVE_UP = 'gave_up';

/** Why a variant failed whose message was received too often. */
export function gaveUp(before: VariantRecord): string {
  return `${GAVE_UP}: ${before.error ?? 'No attempt came to an end.'}`;
}

/** Whether a job should work on this variant: not where it is done, or has failed for good. */
export function isOpen({ status, error }: VariantRecord): boolean {
  // The message of one that was given up is a dead letter; that it is here again means it was sent again.
  return (
    status === 'queued' ||
    status === 'rendering' ||
    (status === 'failed' && error?.startsWith(GAVE_UP) === true)
  );
}
