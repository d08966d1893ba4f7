import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compileRenderProcesses } from '../../server/compose/rendering.ts';
import { openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { runFolder } from '../folders.ts';
import { median } from '../stats.ts';
import { ask } from './ours.ts';
import { atMost, type Measured, shown } from './part.ts';
import { type Running, startCommand } from './running.ts';

const ROUNDS = 3;
/** Warmer and render processes come up behind the server. */
const SETTLE_MS = 2500;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A checkout of the commit that start-up is held against, with its packages. */
const BEFORE = process.env['BEFORE'] ?? '';

/** What `npm start` runs in a checkout, npm left out. */
async function startIn(root: string, folder: string): Promise<Running> {
  const manifest: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const [, script = '', ...args] = (manifest.scripts['start'] ?? '').split(' ');
  return startCommand((port) => ({
    name: root,
    program: process.execPath,
    args: [join(root, script), ...args],
    env: { DATA_DIR: folder, PORT: String(port), HOST: '127.0.0.1' },
  }));
}

/** CPU ms from nothing to a server that has answered and whose other processes have come up. */
async function startMs(root: string, folder: string): Promise<number> {
  const running = await startIn(root, folder);
  await ask(running.port, '/healthz');
  await sleep(SETTLE_MS);
  const ms = running.cpuMs();
  await running.stop();
  return ms;
}

/** CPU ms of `npm start` in each checkout, in turns, on a folder of its own that a start before has filled. */
async function starts(roots: readonly string[]): Promise<number[][]> {
  const folders = roots.map(() => runFolder());
  // As a data folder is: others may enter, so that nothing is tried twice.
  for (const folder of folders) chmodSync(folder, 0o755);
  const times = roots.map(() => [] as number[]);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, root] of roots.entries()) {
      const ms = await startMs(root, folders[index] ?? '');
      if (round > 0) times[index]?.push(ms);
    }
  }
  return times;
}

export async function startUp(): Promise<Measured> {
  const isThere = BEFORE !== '' && existsSync(join(BEFORE, 'package.json'));
  // As each start but those of the first ten seconds after an install finds it.
  await compileRenderProcesses();
  const [now = [], before = []] = await starts(isThere ? [ROOT, BEFORE] : [ROOT]);
  const ratios = now.map((ms, round) => ms / (before[round] ?? Number.NaN));
  return {
    tables: [
      {
        title: '### `npm start` until all of its processes are up',
        head: ['what', 'CPU s'],
        rows: [
          ['this commit', shown(median(now) / 1000)],
          ['a4170a7', isThere ? shown(median(before) / 1000) : 'BEFORE names no checkout of it'],
        ],
      },
    ],
    targets: [atMost('start-up, CPU against a4170a7', 0.65, median(ratios))],
  };
}

const COUNTS = [1_000, 100_000] as const;
const CALLS = 40;

async function fill(folder: string, count: number): Promise<void> {
  const stores = await openStores(loadConfig({ DATA_DIR: folder }));
  const createdAt = new Date().toISOString();
  const create = (number: number) =>
    stores.records.images.create({
      id: `grown/image-${number}.jpg`,
      status: 'completed',
      version: 'v',
      createdAt,
    });
  for (let from = 0; from < count; from += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, count - from) }, (_, index) => create(from + index)),
    );
  stores.close();
}

async function callMs(running: Running, path: string): Promise<number> {
  await ask(running.port, path);
  const before = running.cpuMs();
  for (let call = 0; call < CALLS; call++) await ask(running.port, path);
  return (running.cpuMs() - before) / CALLS;
}

const CALLS_BY_NAME = {
  'list of images': '/api/images?limit=100',
  'list by prefix': '/api/images?limit=100&prefix=grown/image-99',
  'status of an image': '/api/images/grown/image-99.jpg/status',
  'an image': '/api/images/grown/image-99.jpg',
} as const;

/** Work 8: what calls and the start cost by how many images there are. */
export async function growth(): Promise<Measured> {
  const found: Record<string, number[]> = {};
  for (const count of COUNTS) {
    const folder = runFolder();
    await fill(folder, count);
    const running = await startIn(ROOT, folder);
    await ask(running.port, '/healthz');
    await sleep(SETTLE_MS);
    const started = running.cpuMs();
    found['start-up'] = [...(found['start-up'] ?? []), started];
    for (const [name, path] of Object.entries(CALLS_BY_NAME))
      found[name] = [...(found[name] ?? []), await callMs(running, path)];
    await running.stop();
  }
  const rows = Object.entries(found).map(([name, [few = Number.NaN, many = Number.NaN]]) => [
    name,
    shown(few),
    shown(many),
    `${shown(many / few)} x`,
  ]);
  return {
    tables: [
      {
        title: '### By how many images there are',
        head: ['what', ...COUNTS.map((count) => `CPU ms, ${count.toLocaleString('en-US')} images`), 'ratio'],
        rows,
      },
    ],
    targets: [],
    notes: [`Calls are the mean of ${CALLS}. Receives by waiting jobs: \`npm run bench -- waiting-jobs\`.`],
  };
}
