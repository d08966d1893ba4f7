import { readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { codecQuality } from '../server/core/quality.ts';
import { FileObjects } from '../server/stores/files.ts';
import { corpusPath, corpusRows } from '../test/support/corpus.ts';
import { start } from './child.ts';
import { storeWithSample } from './hits.ts';
import { median, quantile, type Row, ratio } from './stats.ts';

const ROUNDS = 11;
const QUIET_MS = 15;
interface Picture {
  readonly name: string;
  readonly path: string;
  /** ms of each round. */
  readonly ours: number[];
  readonly bare: number[];
}

/** Photographs of one's own: `npm run bench -- cold --photos FOLDER`. */
function photosIn(folder: string | undefined): Pick<Picture, 'name' | 'path'>[] {
  if (folder) return readdirSync(folder).map((name) => ({ name, path: join(folder, name) }));
  return PHOTOS.map(({ file }) => ({ name: file, path: corpusPath(file) }));
}

const PHOTOS = corpusRows().filter(
  ({ file, outcome }) =>
    outcome === 'decode' &&
    /^(photos|samples)\/.*\.(jpe?g|png)$/.test(file) &&
    !/cmyk|transparency/.test(file),
);

/** What a person would write with sharp alone, with the very settings that the server uses. */
async function bare(path: string): Promise<number> {
  const started = performance.now();
  await bareBytes(await readFile(path));
  return performance.now() - started;
}

async function bareBytes(bytes: Buffer): Promise<void> {
  await sharp(bytes)
    .autoOrient()
    .resize({ width: 800, withoutEnlargement: true })
    .webp({ quality: codecQuality('webp', 75), effort: 2 })
    .toBuffer();
}

const agent = new http.Agent({ keepAlive: true });

function overHttp(url: string): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      if (response.headers['x-image-cache'] !== 'miss') reject(new Error(`${url} was not cold`));
      response.on('data', () => {}).on('end', () => resolve(performance.now() - started));
    });
    request.on('error', reject);
  });
}

const WARM_UP = 300;

/** A process that has served for a while: what is measured is the service, not the compiler of its code. */
async function warmUp(base: string, originals: FileObjects, photo: Buffer): Promise<void> {
  const tiny = await sharp(photo).resize(64).jpeg().toBuffer();
  for (let lap = 0; lap < WARM_UP; lap++) {
    await originals.put(`warm-up/${lap}`, tiny, { contentType: 'image/jpeg' });
    await overHttp(`${base}/img/warm-up/${lap}?w=30&fmt=webp`);
    await bareBytes(tiny);
  }
}

/** Cold renders over HTTP against bare sharp doing the same work; in turns, every picture under a new id each time. */
export async function cold(folderOfPhotos?: string): Promise<Row[]> {
  sharp.concurrency(1);
  sharp.cache(false);
  const folder = await storeWithSample();
  const originals = await FileObjects.open(join(folder, 'originals'));
  const ours = await start('./rendition-server.ts', { DATA_DIR: folder, VERSION_SECONDS: '60' });
  const base = `http://127.0.0.1:${ours.port}`;
  await warmUp(base, originals, await readFile(corpusPath('samples/ladybug.jpg')));
  const pictures = photosIn(folderOfPhotos).map((photo): Picture => ({ ...photo, ours: [], bare: [] }));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const picture of pictures) {
      const id = `round${round}/${picture.name.replace(/[^A-Za-z0-9._~/-]/g, '-')}`;
      await originals.put(id, await readFile(picture.path), { contentType: 'image/jpeg' });
      // What was written, here or behind an answer, is not the next picture's time; nor is the order of the two.
      await sleep(QUIET_MS);
      const first = round % 2 ? 'ours' : 'bare';
      for (const who of first === 'ours' ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
        const ms =
          who === 'ours' ? await overHttp(`${base}/img/${id}?w=800&fmt=webp`) : await bare(picture.path);
        if (round) picture[who].push(ms);
        await sleep(QUIET_MS);
      }
    }
  }
  const { peakRssMb } = await ours.usage();
  await ours.stop();
  await rm(folder, { recursive: true, force: true });
  const ratios = pictures.map((one) => median(one.ours.map((ms, at) => ms / (one.bare[at] ?? ms))));
  const all = pictures.flatMap((one) => one.ours);
  return [
    {
      what: `median over ${pictures.length} photographs, w=800 webp, ours / bare sharp`,
      figure: ratio(median(ratios)),
      budget: '<= 1.05',
    },
    {
      what: 'ours',
      figure: `p50 ${quantile(all, 0.5).toFixed(0)} ms, p99 ${quantile(all, 0.99).toFixed(0)} ms, peak RSS ${peakRssMb.toFixed(0)} MB`,
    },
    {
      what: 'bare sharp',
      figure: `p50 ${quantile(
        pictures.flatMap((one) => one.bare),
        0.5,
      ).toFixed(0)} ms`,
    },
    ...pictures.map((one, at) => ({
      what: `  ${one.name}`,
      figure: `${ratio(ratios[at] ?? 0)}, ${median(one.ours).toFixed(0)} / ${median(one.bare).toFixed(0)} ms`,
    })),
  ];
}
