import { randomUUID } from 'node:crypto';
import { keepHeld } from '../shared/periodic.ts';
import type { NewImage } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';

/** A server that was killed holds an id no longer than this. */
export const CLAIM_SECONDS = 60;

/** An id as one upload holds it. */
export interface Claim {
  readonly id: string;
  /** Of the record. Each upload has its own: of two in one process, the loser leaves the other's alone. */
  readonly owner: string;
  readonly createdAt: string;
  /** Stops holding it. */
  readonly end: () => void;
}

/**
 * Takes an id by a record `uploading`, and holds it for as long as this process lives: the record says until when the
 * bytes are awaited, and that is moved on.
 *
 * @param image  what is known of it so far
 * @returns      undefined when the id is taken
 */
export async function claimId(
  records: Pick<Records, 'images'>,
  image: Pick<NewImage, 'id'> & Partial<NewImage>,
  now: () => Date,
): Promise<Claim | undefined> {
  const { id } = image;
  const owner = randomUUID();
  const openUntil = () => new Date(now().getTime() + CLAIM_SECONDS * 1000).toISOString();
  const createdAt = now().toISOString();
  const record = { ...image, status: 'uploading', createdAt, claim: owner, openUntil: openUntil() } as const;
  if (!(await records.images.create(record))) return undefined;
  const hold = () =>
    updateWithRetry(records, id, ({ claim }) => (claim === owner ? { openUntil: openUntil() } : undefined));
  return { id, owner, createdAt, end: keepHeld(CLAIM_SECONDS, hold) };
}
