import { join } from 'node:path';
import { openSqlite } from '../server/stores/sqlite/open.ts';
import { runFolder } from './folders.ts';
import { median, type Row, ratio } from './stats.ts';

const DEPTHS = [100, 10_000, 50_000] as const;
const TAKES = 400;
const LAPS = 5;

/** Processor time of one receive and its removal, in us, while so many other jobs wait. */
async function lap(jobs: ReturnType<typeof openSqlite>['jobs']): Promise<number> {
  const options = { max: 1, waitSeconds: 0, visibilitySeconds: 60 };
  const before = process.cpuUsage();
  for (let take = 0; take < TAKES; take++) {
    const [job] = await jobs.receive(options);
    if (!job) throw new Error('The queue is empty.');
    await jobs.remove(job.receipt);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / TAKES;
}

/** What a receive costs in the queue of one machine, by how many jobs wait; in turns. */
export async function waitingJobs(): Promise<Row[]> {
  const folder = runFolder();
  const queues = await Promise.all(
    DEPTHS.map(async (depth) => {
      const stores = openSqlite(join(folder, `${depth}.sqlite`), { maxReceives: 5 });
      const send = (count: number) =>
        stores.jobs.send(Array.from({ length: count }, (_, n) => `{"kind":"warm","id":"image-${n}"}`));
      await send(depth);
      return { depth, stores, send, laps: [] as number[] };
    }),
  );
  for (let round = 0; round < LAPS; round++) {
    for (const { stores, send, laps } of queues) {
      await send(TAKES);
      laps.push(await lap(stores.jobs));
    }
  }
  for (const { stores } of queues) stores.close();
  const least = median(queues[0]?.laps ?? []);
  return queues.map(({ depth, laps }) => ({
    what: `receive and remove, ${depth.toLocaleString('en-US')} jobs waiting`,
    figure: `${median(laps).toFixed(0)} us of CPU, ${ratio(median(laps) / least)}`,
    ...(depth > 100 && { budget: '3 x' }),
  }));
}
