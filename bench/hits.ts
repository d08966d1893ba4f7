import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileObjects } from '../server/stores/files/objects.ts';
import { type Measured, start } from './child.ts';
import { load } from './load.ts';
import { median, quantile, type Row, ratio } from './stats.ts';

const SAMPLE = new URL('../samples/ladybug.jpg', import.meta.url);
/** About 30 KB, as notes on web pages have it. */
const PATH = '/img/ladybug.jpg?w=480&fmt=webp';
const ROUNDS = 7;
const SECONDS = 2;
const CONNECTIONS = 16;

interface Lap {
  readonly perCpuSecond: number;
  readonly perSecond: number;
  readonly latencies: readonly number[];
}

async function lap(server: Measured): Promise<Lap> {
  await server.usage();
  const { requests, perSecond, latencies } = await load(
    `http://127.0.0.1:${server.port}${PATH}`,
    CONNECTIONS,
    SECONDS,
  );
  const { cpuMs } = await server.usage();
  return { perCpuSecond: requests / (cpuMs / 1000), perSecond, latencies };
}

/** A folder of stores with one original in it. */
export async function storeWithSample(id = 'ladybug.jpg'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-bench-'));
  const originals = await FileObjects.open(join(folder, 'originals'));
  await originals.put(id, await readFile(SAMPLE), { contentType: 'image/jpeg' });
  return folder;
}

const figures = (laps: readonly Lap[]): string => {
  const latencies = laps.flatMap((item) => item.latencies);
  const speed = `${median(laps.map(({ perSecond }) => perSecond)).toFixed(0)}/s, ${median(laps.map((entry) => entry.perCpuSecond)).toFixed(0)} per CPU s`;
  return `${speed}, p50 ${quantile(latencies, 0.5).toFixed(2)} ms, p99 ${quantile(latencies, 0.99).toFixed(2)} ms`;
};

/** Memory hits over HTTP against a bare node:http server that sends the same bytes and headers; in turns. */
export async function hits(): Promise<Row[]> {
  const folder = await storeWithSample();
  const ours = await start('./rendition-server.ts', { DATA_DIR: folder, VERSION_SECONDS: '5' });
  const url = `http://127.0.0.1:${ours.port}${PATH}`;
  await (await fetch(url)).arrayBuffer();
  const bare = await start('./bare-server.ts', { COPY_OF: url });
  const [mine, theirs]: [Lap[], Lap[]] = [[], []];
  await lap(ours);
  await lap(bare);
  for (let round = 0; round < ROUNDS; round++) {
    mine.push(await lap(ours));
    theirs.push(await lap(bare));
  }
  const rss = [await ours.usage(), await bare.usage()];
  await Promise.all([ours.stop(), bare.stop()]);
  await rm(folder, { recursive: true, force: true });
  const share = (pick: (item: Lap) => number) =>
    median(mine.map((entry, index) => pick(entry) / pick(theirs[index] ?? entry)));
  return [
    {
      what: 'requests per CPU second, ours / bare node:http',
      figure: ratio(share((item) => item.perCpuSecond)),
      budget: '>= 0.8',
    },
    { what: 'requests per second, ours / bare node:http', figure: ratio(share((entry) => entry.perSecond)) },
    { what: 'ours', figure: `${figures(mine)}, peak RSS ${rss[0]?.peakRssMb.toFixed(0)} MB` },
    { what: 'bare node:http', figure: `${figures(theirs)}, peak RSS ${rss[1]?.peakRssMb.toFixed(0)} MB` },
  ];
}
