import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { corpusPath, corpusRows } from '../test/support/corpus.ts';
import { freePort } from '../test/support/ports.ts';
import { seeded } from '../test/support/seeded.ts';
import { runFolder } from './folders.ts';
import { type Program, startRendition } from './program.ts';
import { type Row, ratio } from './stats.ts';

const PICTURES = 60;
const WIDTH = 480;
/** Of a browser of today: AVIF. */
const BROWSER = { accept: 'image/avif,image/webp,*/*' };
/** Formats that are negotiated with three kinds of clients. */
const CLIENTS = [BROWSER.accept, 'image/webp,*/*', '*/*'] as const;

const PHOTOS = corpusRows().filter(
  ({ file, outcome, width }) =>
    outcome === 'decode' &&
    /^photos\/.*\.(jpe?g|png)$/.test(file) &&
    !/cmyk/.test(file) &&
    Number(width) > 700,
);

/** Uploads crops of the photographs of the corpus, at seeded places. */
async function fill({ port }: Program): Promise<string[]> {
  const random = seeded(1);
  const ids: string[] = [];
  for (let index = 0; index < PICTURES; index++) {
    const photo = PHOTOS[index % PHOTOS.length];
    if (!photo) throw new Error('The corpus has no photographs.');
    const image = sharp(corpusPath(photo.file), { limitInputPixels: false }).resize(1200);
    const { data, info } = await image.png({ compressionLevel: 0 }).toBuffer({ resolveWithObject: true });
    const size = { width: 800, height: Math.min(600, info.height) };
    const left = Math.floor(random() * (info.width - size.width + 1));
    const top = Math.floor(random() * (info.height - size.height + 1));
    const bytes = await sharp(data)
      .extract({ left, top, ...size })
      .jpeg({ quality: 92 })
      .toBuffer();
    const id = `page/${index}.jpg`;
    const body = new FormData();
    body.set('id', id);
    body.set('file', new Blob([new Uint8Array(bytes)]), id);
    const answer = await fetch(`http://127.0.0.1:${port}/api/images`, { method: 'POST', body });
    if (answer.status !== 202) throw new Error(`${id}: ${answer.status} ${await answer.text()}`);
    ids.push(id);
  }
  return ids;
}

interface Page {
  readonly bytes: number[];
  /** Answers whose ETag is not that of their bytes. */
  readonly wrong: number;
}

async function visit({ port }: Program, ids: readonly string[], accept: string): Promise<Page> {
  const page = { bytes: [] as number[], wrong: 0 };
  for (const id of ids) {
    const answer = await fetch(`http://127.0.0.1:${port}/img/${id}?w=${WIDTH}`, { headers: { accept } });
    const body = Buffer.from(await answer.arrayBuffer());
    const md5 = createHash('md5').update(body).digest('hex');
    if (answer.status !== 200 || answer.headers.get('etag') !== `"${md5}"`) page.wrong += 1;
    page.bytes.push(body.length);
  }
  return page;
}

/** Results that warmers have looked at once more; 0 while the warmer is not there yet. */
async function upgraded(warmerPort: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${warmerPort}/metrics`).catch(() => undefined);
  const metrics = (await answer?.text()) ?? '';
  const counts = [...metrics.matchAll(/^rendition_upgrades_total\{outcome="(?!skipped)\w+"\} (\d+)/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

const total = ({ bytes }: Page): number => bytes.reduce((sum, length) => sum + length, 0);

/** A page of 60 pictures as its first visitor gets it, and after the warmer was idle, for three kinds of clients. */
export async function upgrade(): Promise<Row[]> {
  const folder = runFolder();
  const warmerPort = await freePort();
  const program = await startRendition({ DATA_DIR: folder, WARMER_PORT: String(warmerPort) });
  const ids = await fill(program);
  const before = program.cpuMs();
  const first: Page[] = [];
  for (const accept of CLIENTS) first.push(await visit(program, ids, accept));
  const asked = program.cpuMs() - before;
  let wrong = first.reduce((sum, page) => sum + page.wrong, 0);
  let due = Number.POSITIVE_INFINITY;
  for (let settled = 0; settled < 3; ) {
    wrong += (await visit(program, ids, CLIENTS[0])).wrong;
    await sleep(2000);
    const done = await upgraded(warmerPort);
    settled = done > 0 && done === due ? settled + 1 : 0;
    due = done;
  }
  const spent = program.cpuMs() - before - asked;
  const last: Page[] = [];
  for (const accept of CLIENTS) last.push(await visit(program, ids, accept));
  await program.stop();
  wrong += last.reduce((sum, page) => sum + page.wrong, 0);
  const formats = ['AVIF', 'WebP', 'JPEG'];
  return [
    ...formats.map((format, index) => {
      const [then, now] = [first[index], last[index]];
      if (!then || !now) throw new RangeError(`${format} was not asked for.`);
      const larger = now.bytes.filter((length, picture) => length > (then.bytes[picture] ?? 0)).length;
      const sizes = `${(total(then) / 1000).toFixed(0)} kB, then ${(total(now) / 1000).toFixed(0)} kB`;
      return {
        what: `${PICTURES} pictures in ${format}`,
        figure: `${sizes} (${ratio(total(now) / total(then))}), ${larger} larger`,
        budget: 'none larger',
      };
    }),
    {
      what: `CPU of ${PICTURES * CLIENTS.length} first answers, and of ${due} looks once more`,
      figure: `${(asked / 1000).toFixed(1)} s, ${(spent / 1000).toFixed(1)} s with ${wrong} wrong ETags meanwhile`,
      budget: '0 wrong',
    },
  ];
}
