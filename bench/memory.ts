import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../server/config/settings.ts';
import { FileObjects } from '../server/stores/files/objects.ts';
import { corpusPath, corpusRows } from '../test/support/corpus.ts';
import { seeded } from '../test/support/seeded.ts';
import { storeWithSample } from './hits.ts';
import { type Program, startRendition } from './program.ts';
import { median, type Row, ratio } from './stats.ts';

const PHOTOS = corpusRows().filter(
  ({ file, outcome }) => outcome === 'decode' && /^(photos|samples)\//.test(file),
);
const WARM = [320, 480, 640, 800, 1200, 1600].flatMap((w) => [`w=${w}&fmt=webp`, `w=${w}&fmt=jpeg`]);
const AT_ONCE = 4;
const PHOTOGRAPHS = 18;
const SAMPLES = 200;
/** Of the memory for results; one more result may push out two. */
const FULL = 0.95;
const MOST_FILLING = 1000;

/** Uploads photographs with twelve variants each, and waits until all of them are made. */
async function warm({ port }: Program): Promise<void> {
  const base = `http://127.0.0.1:${port}`;
  const ids: string[] = [];
  for (let index = 0; index < PHOTOGRAPHS; index++) {
    const file = PHOTOS[index % PHOTOS.length]?.file ?? '';
    const body = new FormData();
    body.set('id', `warm/${index}`);
    body.set('variants', JSON.stringify(WARM));
    body.set('file', new Blob([new Uint8Array(await readFile(corpusPath(file)))]), 'photo');
    const answer = await fetch(`${base}/api/images`, { method: 'POST', body });
    if (answer.status !== 202) throw new Error(`${file}: ${answer.status} ${await answer.text()}`);
    ids.push(`warm/${index}`);
  }
  for (const id of ids) {
    let status = 'processing';
    while (status === 'processing') {
      const answer = await fetch(`${base}/api/images/${encodeURIComponent(id)}/status?wait=20`);
      ({ status } = JSON.parse(await answer.text()));
    }
    if (status !== 'completed') throw new Error(`${id} is ${status}.`);
  }
}

/** Large results, until memory holds as many as it is configured to: what it takes until then is no growth. */
async function fill({ port }: Program): Promise<void> {
  const base = `http://127.0.0.1:${port}`;
  for (let made = 0; made < MOST_FILLING; made++) {
    const metrics = await (await fetch(`${base}/metrics`)).text();
    const bytes = Number(/^rendition_memory_bytes (\S+)$/m.exec(metrics)?.[1] ?? 0);
    if (bytes > FULL * loadConfig({}).memoryBytes) return;
    const photo = PHOTOS[made % PHOTOS.length]?.file ?? '';
    const path = `/img/${photo}?w=1400&h=${1000 + made}&fit=cover&fmt=png&effort=fast`;
    const answer = await fetch(`${base}${path}`);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  }
  throw new Error(`${MOST_FILLING} large results do not fill the memory for results.`);
}

/** Renders that nobody has asked for, of all photographs, in all formats; resident memory between them. */
async function renders({ port, pssMb }: Program, count: number): Promise<number[]> {
  const random = seeded(1);
  const memory: number[] = [];
  let made = 0;
  const lane = async () => {
    while (made < count) {
      made += 1;
      if (made % Math.max(1, Math.floor(count / SAMPLES)) === 0) memory.push(pssMb());
      const photo = PHOTOS[Math.floor(random() * PHOTOS.length)]?.file ?? '';
      const format = ['webp', 'jpeg', 'png', 'avif&effort=fast'][Math.floor(random() * 4)];
      // A size of its own for each: nothing is a hit.
      const box = `w=${40 + Math.floor(random() * 400)}&h=${40 + (made % 1000)}&fit=cover`;
      const answer = await fetch(`http://127.0.0.1:${port}/img/${photo}?${box}&fmt=${format}`);
      await answer.arrayBuffer();
      if (answer.status === 503) await sleep(200);
      else if (answer.status !== 200) throw new Error(`${photo} ${box} ${format}: ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return memory;
}

/**
 * Resident memory of all processes of `npm start`, what they share counted once.
 *
 * @param count  renders of the longer part
 */
export async function memory(count: number): Promise<Row[]> {
  const folder = await storeWithSample();
  const originals = await FileObjects.open(join(folder, 'originals'));
  for (const { file } of PHOTOS)
    await originals.put(file, await readFile(corpusPath(file)), { contentType: 'application/octet-stream' });
  const program = await startRendition({ DATA_DIR: folder });
  await warm(program);
  const warmed = [program.pssMb(), program.rssMb()].map((mb) => `${mb.toFixed(0)} MB`);
  await fill(program);
  const samples = await renders(program, count);
  await program.stop();
  const length = Math.floor(samples.length / 4);
  const quarters = [0, 1, 2, 3].map((quarter) =>
    median(samples.slice(quarter * length, (quarter + 1) * length)),
  );
  const [, second = 0, , last = 0] = quarters;
  const { memoryBytes, renderMemoryBytes } = loadConfig({});
  const bound = (memoryBytes + renderMemoryBytes) / 2 ** 20;
  return [
    {
      what: `after warming ${PHOTOGRAPHS} photographs in ${WARM.length} variants`,
      figure: `${warmed[0]} (${warmed[1]} where what they share counts for each)`,
      budget: '<= 800 MB',
    },
    {
      what: `over ${count} renders with the memory for results full, median of each quarter`,
      figure: `${quarters.map((mb) => mb.toFixed(0)).join(', ')} MB; last to second ${ratio(last / second)}`,
      budget: '<= 1.05 x',
    },
    {
      what: 'at most, to what is configured for results and renders',
      figure: `${Math.max(...samples).toFixed(0)} MB, ${ratio(Math.max(...samples) / bound)}`,
      budget: '<= 1.25 x',
    },
  ];
}
