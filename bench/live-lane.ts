import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import type { Stores } from '../server/stores/stores.ts';
import { sendWarm } from '../server/warming/jobs.ts';
import { endProgram } from '../test/support/command.ts';
import { start } from './child.ts';
import { storeWithSample } from './hits.ts';
import { paced } from './paced.ts';
import { print, quantile, type Row, ratio } from './stats.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PHOTOGRAPH = new URL('../test/corpus/files/photos/snow-forest-20mp.jpg', import.meta.url);
const PATH = '/img/ladybug.jpg?w=480&fmt=webp';
/** More CPU than the whole measurement has, so that no lap finds the warmer idle. */
const IMAGES = 12;
const VARIANTS = [1000, 1200, 1400, 1600, 1800].map((width) => `fmt=avif&w=${width}`);
const ROUNDS = 4;
const SECONDS = 4;
/** Far from saturation: what is measured is waiting for a core, not for other requests. */
const PER_SECOND = 250;

async function fill({ originals, records, jobs }: Stores): Promise<void> {
  const photograph = await readFile(PHOTOGRAPH);
  for (let index = 0; index < IMAGES; index++) {
    const id = `load-${index}`;
    const stored = await originals.put(id, photograph, { contentType: 'image/jpeg' });
    const version = stored?.etag ?? '';
    await records.images.create({ id, status: 'processing', version, createdAt: new Date().toISOString() });
    await records.variants.queue(id, version, VARIANTS);
    await sendWarm(jobs, id, version, VARIANTS);
  }
}

const latencies = async (url: string): Promise<readonly number[]> =>
  (await paced(() => url, { perSecond: PER_SECOND, seconds: SECONDS })).ms;

/** A warmer that is rendering. */
async function warmer(env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['warmer/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await sleep(1500);
  return child;
}

/** Takes back what server/shared/priority.ts does; false where that is not ours to do. */
function raise(pid: number): boolean {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * p99 of memory hits at a steady rate: beside nothing, beside a warmer at full load as it runs, and beside one
 * whose low priority was taken back. In turns, on one machine.
 */
export async function liveLane(): Promise<Row[]> {
  const folder = await storeWithSample();
  const env = { DATA_DIR: folder, VISIBILITY_SECONDS: '1', WARM_ATTEMPTS: '100', SWEEP_SECONDS: '3600' };
  const stores = await openStores(loadConfig(env));
  await fill(stores);
  const server = await start('./rendition-server.ts', env);
  const url = `http://127.0.0.1:${server.port}${PATH}`;
  await latencies(url);
  const laps = { idle: [] as number[], low: [] as number[], raised: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    laps.idle.push(...(await latencies(url)));
    for (const mode of ['low', 'raised'] as const) {
      const child = await warmer(env);
      if (mode === 'low' || raise(child.pid ?? 0)) laps[mode].push(...(await latencies(url)));
      await endProgram(child, 'SIGKILL');
    }
  }
  await server.stop();
  stores.close();
  const idle = quantile(laps.idle, 0.99);
  const row = (what: string, ms: readonly number[]): Row => {
    const [p50, p99] = [quantile(ms, 0.5), quantile(ms, 0.99)];
    return { what, figure: `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (${ratio(p99 / idle)} idle)` };
  };
  return [
    row(`memory hits, ${PER_SECOND}/s, nothing beside`, laps.idle),
    row('beside a warmer at full load', laps.low),
    ...(laps.raised.length ? [row('beside one without its low priority', laps.raised)] : []),
  ];
}

if (import.meta.main) {
  print('Live lane beside a warmer', await liveLane());
  process.exit(0);
}
