import type { Stores } from '../server/stores/stores.ts';
import { updateWithRetry } from '../server/stores/update-record.ts';
import type { WarmJob } from '../server/warming/jobs.ts';
import { currentVersion } from '../server/warming/queue.ts';
import { readDeadLetters } from './dead-letters.ts';

/**
 * Sends the dead letters again. Their variants go back to `queued` first, so that nobody sees a job at work on
 * a variant that is said to have failed.
 *
 * @param onFailure  told of an image whose variants could not be put back; its message is sent all the same
 * @returns how many messages were sent, and how many variants wait again
 */
export async function redrive(
  { records, jobs }: Pick<Stores, 'records' | 'jobs'>,
  onFailure: (error: unknown, id: string) => void = () => {},
): Promise<{ messages: number; variants: number }> {
  let variants = 0;
  const look = async (job: WarmJob) => {
    const record = await records.images.get(job.id);
    // Of another version by now: the job will end at once by itself.
    if (!record || currentVersion(record) !== job.version) return;
    const items = (await records.variants.list(job.id)).map(({ variant }) => variant);
    const named = job.variants.filter((variant) => items.includes(variant));
    const queued = await records.variants.queue(job.id, job.version, named);
    const open = queued.filter(({ status }) => status === 'queued').length;
    if (open) await updateWithRetry(records, job.id, () => ({ status: 'processing', error: undefined }));
    variants += open;
  };
  const letters = await readDeadLetters({ jobs, look, onFailure });
  return { messages: letters ? await jobs.redrive(letters) : 0, variants };
}
