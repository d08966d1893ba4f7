import type { Jobs, ReceivedJob } from '../server/stores/jobs.ts';
import type { Records } from '../server/stores/stores.ts';
import type { VariantRecord } from '../server/stores/variants.ts';
import { readJob, type WarmJob } from '../server/warming/jobs.ts';
import { toUpdate } from '../server/warming/queue.ts';
import { gaveUp } from './retry-policy.ts';
import type { StatusRollup } from './status-rollup.ts';

/** Long enough to go through all of them; they are given back at the end. */
const HOLD_SECONDS = 60;
const MAX_ROUNDS = 100;

/** A wait makes SQS ask all of its servers, so that [] means that there is no more. */
const WAIT_SECONDS = 1;

export interface ReadOptions {
  readonly jobs: Pick<Jobs, 'deadLetters'>;
  readonly look: (job: WarmJob, letter: ReceivedJob) => Promise<void>;
  /** The others are looked at all the same. */
  readonly onFailure: (error: unknown, id: string) => void;
}

/** Looks at every dead letter and leaves all of them where they are; resolves to how many there were. */
export async function readDeadLetters({ jobs, look, onFailure }: ReadOptions): Promise<number> {
  const { deadLetters } = jobs;
  const seen: ReceivedJob[] = [];
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const options = { max: 10, waitSeconds: WAIT_SECONDS, visibilitySeconds: HOLD_SECONDS };
      const letters = await deadLetters.receive(options);
      if (letters.length === 0) break;
      seen.push(...letters);
      for (const letter of letters) {
        const job = readJob(letter.body);
        if (job.kind === 'warm') await look(job, letter).catch((error: unknown) => onFailure(error, job.id));
      }
    }
  } finally {
    // A redrive can only move what is not held.
    await Promise.allSettled(seen.map(({ receipt }) => deadLetters.extend(receipt, 0)));
  }
  return seen.length;
}

export interface DeadLetterOptions {
  readonly jobs: Jobs;
  readonly records: Records;
  readonly finish: StatusRollup;
  /** Variants that were touched since are somebody's work: the letter is an old one. */
  readonly quietSeconds: number;
  readonly now: () => Date;
  /** A letter that could not be dealt with; the next round tries it again. */
  readonly onFailure: (error: unknown, id: string) => void;
}

/**
 * Asked for anew after the letter was sent: another message is on its way. Nobody asks anew within the quiet time,
 * before the first burial, so the clocks of queue and records may differ by half of it.
 */
function isNewer({ queuedAt }: VariantRecord, sentAt: Date, quietSeconds: number): boolean {
  return Date.parse(queuedAt) > sentAt.getTime() + quietSeconds * 500;
}

/** Turns the open variants of dead letters to `failed`, with the reason of the last attempt. */
export async function failDeadLetters({
  jobs,
  records,
  finish,
  quietSeconds,
  now,
  onFailure,
}: DeadLetterOptions): Promise<void> {
  const look = async ({ id, version, variants }: WarmJob, { sentAt }: ReceivedJob) => {
    const items = await records.variants.list(id);
    const before = new Date(now().getTime() - quietSeconds * 1000).toISOString();
    const isQuiet = (item: VariantRecord) => item.updatedAt < before && !isNewer(item, sentAt, quietSeconds);
    const dead = items.filter(
      (entry) => entry.version === version && variants.includes(entry.variant) && isQuiet(entry),
    );
    const updates = dead.map((one) =>
      toUpdate(['queued', 'rendering'], { status: 'failed', error: gaveUp(one) })(one),
    );
    const marked = await records.variants.updateAll(id, updates);
    if (marked.some(Boolean)) await finish.rollUp(id);
  };
  // Approximate on SQS: the next round sees what this one does not.
  if ((await jobs.depth()).dead > 0) await readDeadLetters({ jobs, look, onFailure });
}
