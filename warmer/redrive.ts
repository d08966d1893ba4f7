import { loadConfig } from '../server/config.ts';
import { failed } from '../server/failing.ts';
import { revise } from '../server/revise.ts';
import { openStores, type Stores } from '../server/stores/open.ts';
import { currentVersion } from '../server/warming.ts';
import { readDeadLetters } from './dead-letters.ts';

/**
 * Sends the dead letters again. Their variants go back to `queued` first, so that nobody sees a job at work on
 * a variant that is said to have failed.
 *
 * @returns how many messages were sent, and how many variants wait again
 */
export async function redrive({
  records,
  jobs,
}: Pick<Stores, 'records' | 'jobs'>): Promise<{ messages: number; variants: number }> {
  let variants = 0;
  const letters = await readDeadLetters(jobs, async (job) => {
    const record = await records.image(job.id);
    // Of another version by now: the job will end at once by itself.
    if (!record || currentVersion(record) !== job.version) return;
    const known = (await records.variants(job.id)).map(({ variant }) => variant);
    const named = job.variants.filter((variant) => known.includes(variant));
    const queued = await records.queueVariants(job.id, job.version, named);
    const open = queued.filter(({ status }) => status === 'queued').length;
    if (open) await revise(records, job.id, () => ({ status: 'processing', error: undefined }));
    variants += open;
  });
  return { messages: letters ? await jobs.redrive(letters) : 0, variants };
}

async function main(): Promise<void> {
  const stores = await openStores(loadConfig(process.env));
  const { messages, variants } = await redrive(stores);
  process.stdout.write(`${messages} messages sent again, ${variants} variants queued\n`);
  stores.close();
}

if (import.meta.main) {
  main().catch(failed);
}
