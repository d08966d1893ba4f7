import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { FileObjects } from '../server/stores/files/objects.ts';
import { renderBare } from './bare-sharp.ts';
import { start } from './child.ts';
import { storeWithSample } from './hits.ts';
import { type Photograph, photographs, tinyPhotograph, WARM_UP } from './photographs.ts';
import { median, quantile, type Row, ratio } from './stats.ts';
import { Wire } from './wire.ts';

const ROUNDS = 15;
const QUIET_MS = 15;

/** Who renders: the server over HTTP, sharp in this process, and sharp behind node:http with nothing else. */
const WHO = ['ours', 'bare', 'http'] as const;
type Who = (typeof WHO)[number];

/** ms of each round. */
type Times = Readonly<Record<Who, number[]>>;

async function bare(path: string): Promise<number> {
  const started = performance.now();
  await renderBare(await readFile(path));
  return performance.now() - started;
}

async function ours(wire: Wire, id: string): Promise<number> {
  const { ms, head } = await wire.get(`/img/${id}?w=800&fmt=webp`);
  if (!/^x-image-cache: miss$/im.test(head)) throw new Error(`${id} was not cold.`);
  return ms;
}

const http = async (wire: Wire, path: string): Promise<number> =>
  (await wire.get(encodeURIComponent(path).replace(/^%2F/, '/'))).ms;

interface Contest {
  readonly originals: FileObjects;
  readonly server: Wire;
  readonly plain: Wire;
}

/** Processes that have served for a while: what is measured is the service, not the compiler of its code. */
async function warmUp({ originals, server, plain }: Contest, folder: string): Promise<void> {
  const tiny = await tinyPhotograph();
  const path = join(folder, 'tiny.jpg');
  await writeFile(path, tiny);
  for (let lap = 0; lap < WARM_UP; lap++) {
    await originals.put(`warm-up/${lap}`, tiny, { contentType: 'image/jpeg', ifAbsent: true });
    await ours(server, `warm-up/${lap}`);
    await bare(path);
    await http(plain, path);
  }
}

/** Every picture under a new id each time, and its contestants in another order. */
async function race({ originals, server, plain }: Contest, photos: readonly Photograph[]): Promise<Times[]> {
  const times = photos.map((): Times => ({ ours: [], bare: [], http: [] }));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, { name, path }] of photos.entries()) {
      const id = `round${round}/${name.replace(/[^A-Za-z0-9._~/-]/g, '-')}`;
      await originals.put(id, await readFile(path), { contentType: 'image/jpeg', ifAbsent: true });
      const first = (round + at) % WHO.length;
      for (const who of [...WHO.slice(first), ...WHO.slice(0, first)]) {
        // What was written, here or behind an answer, is not the next one's time.
        await sleep(QUIET_MS);
        const ms = await {
          ours: () => ours(server, id),
          bare: () => bare(path),
          http: () => http(plain, path),
        }[who]();
        if (round) times[at]?.[who].push(ms);
      }
    }
  }
  return times;
}

/** The median of the rounds' own ratios: neighbours on a shared machine slow both halves of a round. */
const against = (times: Times, who: Who): number =>
  median(times[who].map((ms, round) => ms / (times.bare[round] ?? ms)));

/** Cold renders over HTTP against bare sharp doing the same work, in turns. */
export async function cold(folderOfPhotos?: string): Promise<Row[]> {
  configureSharp();
  const folder = await storeWithSample();
  const originals = await FileObjects.open(join(folder, 'originals'));
  const server = await start('./rendition-server.ts', { DATA_DIR: folder, VERSION_SECONDS: '60' });
  const plain = await start('./bare-render-server.ts');
  const contest = {
    originals,
    server: await Wire.connect(server.port),
    plain: await Wire.connect(plain.port),
  };
  await warmUp(contest, folder);
  const photos = photographs(folderOfPhotos);
  const times = await race(contest, photos);
  const { peakRssMb } = await server.usage();
  contest.server.close();
  contest.plain.close();
  await Promise.all([server.stop(), plain.stop()]);
  return rows(photos, times, peakRssMb);
}

function rows(photos: readonly Photograph[], times: readonly Times[], peakRssMb: number): Row[] {
  const ratios = (who: Who) => times.map((time) => against(time, who));
  const all = (who: Who) => times.flatMap((time) => time[who]);
  const seconds = all('ours').reduce((sum, ms) => sum + ms, 0) / 1000;
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  return [
    {
      what: `median over ${photos.length} photographs, w=800 webp, ours / bare sharp`,
      figure: ratio(median(ratios('ours'))),
      budget: '<= 1.05',
    },
    { what: 'the same with nothing but node:http', figure: ratio(median(ratios('http'))) },
    {
      what: 'ours',
      figure: `${(all('ours').length / seconds).toFixed(1)} requests/s one by one, p50 ${ms(quantile(all('ours'), 0.5))}, p99 ${ms(quantile(all('ours'), 0.99))}, peak RSS ${peakRssMb.toFixed(0)} MB`,
    },
    {
      what: 'bare sharp',
      figure: `p50 ${ms(quantile(all('bare'), 0.5))}, p99 ${ms(quantile(all('bare'), 0.99))}`,
    },
    ...photos.map(({ name }, index) => ({
      what: `  ${name}`,
      figure: `${ratio(ratios('ours')[index] ?? 0)}, ${ms(median(times[index]?.ours ?? []))} / ${ms(median(times[index]?.bare ?? []))}`,
    })),
  ];
}
