import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { treeCpuMs } from '../../../bench/process-tree.ts';
import { waitFor } from '../../support/wait.ts';

/** A program that works when it is told to, in threads or processes of its own too, and says what the kernel counts for it. */
const WORKER = `
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const work = (ms) => {
  const before = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(before);
    if (user + system >= ms * 1000) return;
  }
};
const child = process.argv[2] === 'parent' ? fork(process.argv[1], ['child']) : undefined;
if (child) await once(child, 'message');
const own = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
process.on('message', async ({ where, ms }) => {
  if (where === 'process') work(ms);
  if (where === 'thread') await once(new Worker('for (let i = 0; i < ' + ms * 1e5 + '; i++) Math.sqrt(i);', { eval: true }), 'exit');
  let ofChild = 0;
  if (child) {
    child.send({ where: where === 'child' ? 'process' : 'nowhere', ms });
    [ofChild] = await once(child, 'message');
  }
  process.send(own() + ofChild);
});
process.send(0);
`;

async function said(program: ChildProcess, where: string, ms: number): Promise<number> {
  program.send({ where, ms });
  const [cpuMs] = (await once(program, 'message')) as [number];
  return cpuMs;
}

/** Of the sum that a program tells of itself: each of its processes rounds to microseconds. */
const ROUNDING_MS = 0.1;
/** What /proc/<pid>/stat counts in, for threads that have ended. */
const TICK_MS = 10;

test('CPU time of a tree is what getrusage says in it, between two answers', async (t) => {
  const script = join(t.testdir(), 'worker.mjs');
  await writeFile(script, WORKER);
  const program = fork(script, ['parent']);
  t.teardown(() => program.kill('SIGKILL'));
  await once(program, 'message');
  const figure = () => treeCpuMs(program.pid ?? 0);
  for (const [where, ms, least] of [
    ['nowhere', 0, ROUNDING_MS],
    ['process', 1, ROUNDING_MS],
    ['process', 3, ROUNDING_MS],
    ['child', 1, ROUNDING_MS],
    ['child', 7, ROUNDING_MS],
    ['process', 40, ROUNDING_MS],
    ['child', 25, ROUNDING_MS],
    // User and system time of both processes are cut off by themselves.
    ['thread', 200, 4 * TICK_MS],
  ] as const) {
    const before = await said(program, where, ms);
    // Counted once whoever answered has come to rest.
    await waitFor(async () => figure() >= before - least);
    const found = figure();
    const after = await said(program, 'nowhere', 0);
    t.ok(found <= after + ROUNDING_MS, `${where}, ${ms} ms: ${found} between ${before} and ${after}`);
  }
});
