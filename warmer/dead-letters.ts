import { readJob, type WarmJob } from '../server/jobs.ts';
import type { Jobs, ReceivedJob, Records } from '../server/stores/contracts.ts';
import type { Finish } from './finish.ts';
import { gaveUp } from './verdict.ts';

/** Long enough to go through all of them; they are given back at the end. */
const HOLD_SECONDS = 60;
const MAX_ROUNDS = 100;

/** Looks at every dead letter and leaves all of them where they are. */
export async function readDeadLetters(
  { deadLetters }: Pick<Jobs, 'deadLetters'>,
  look: (job: WarmJob) => Promise<void>,
): Promise<number> {
  const held: ReceivedJob[] = [];
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const options = { max: 10, waitSeconds: 0, visibilitySeconds: HOLD_SECONDS };
      const letters = await deadLetters.receive(options);
      if (letters.length === 0) break;
      held.push(...letters);
      for (const { body } of letters) {
        const job = readJob(body);
        if (job.kind === 'warm') await look(job);
      }
    }
  } finally {
    // A redrive can only move what is not held.
    await Promise.allSettled(held.map(({ receipt }) => deadLetters.extend(receipt, 0)));
  }
  return held.length;
}

export interface BurialOptions {
  readonly jobs: Jobs;
  readonly records: Records;
  readonly finish: Finish;
  /** Variants that were touched since are somebody's work: the letter is an old one. */
  readonly quietSeconds: number;
  readonly now: () => Date;
}

/** Turns the open variants of dead letters to `failed`, with the reason of the last attempt. */
export async function buryDeadLetters({
  jobs,
  records,
  finish,
  quietSeconds,
  now,
}: BurialOptions): Promise<void> {
  await readDeadLetters(jobs, async ({ id, version, variants }) => {
    const known = await records.variants(id);
    const before = new Date(now().getTime() - quietSeconds * 1000).toISOString();
    const dead = known.filter(
      (one) => one.version === version && variants.includes(one.variant) && one.updatedAt < before,
    );
    let marked = 0;
    for (const variant of dead) {
      const change = { status: 'failed', error: gaveUp(variant) } as const;
      const from = ['queued', 'rendering'] as const;
      if (await records.updateVariant(id, variant.variant, version, from, change)) marked += 1;
    }
    if (marked) await finish.settle(id);
  });
}
