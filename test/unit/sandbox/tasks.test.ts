import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import t from 'tap';
import type { GroupPart, OriginalRef, RenderSpec } from '../../../server/sandbox/protocol.ts';
import { type TaskContext, tasks } from '../../../server/sandbox/tasks.ts';
import { corpusPath } from '../../support/corpus.ts';
import { LIMITS, picture } from '../../support/pictures.ts';
import { joined, unlikePages } from '../../support/tiff-pages.ts';

const KODIM = corpusPath('photos/kodim23.png');
const spec = (canonical: string): RenderSpec => ({
  canonical,
  priority: 'live',
  limits: LIMITS,
  timeoutSeconds: 60,
});

async function original(path: string): Promise<OriginalRef> {
  return { path, bytes: (await stat(path)).size };
}

/** In this process, where a debugger and the measure of coverage see them; pool.test.ts has them in theirs. */
function context(wanted: (canonicals: readonly string[]) => boolean = () => true) {
  const parts: GroupPart[] = [];
  const leaving = new AbortController();
  const asked: TaskContext = {
    signal: leaving.signal,
    now: () => performance.now(),
    part: (part) => parts.push(part),
    readGlyphs: async () => () => true,
    onDrawn: () => undefined,
    begins: async (canonicals) => wanted(canonicals),
  };
  return { asked, parts, leaving };
}

t.test('a render is what the same query gives elsewhere', async (t) => {
  const { asked } = context();
  const task = { kind: 'render', original: await original(KODIM), spec: spec('fmt=png&w=80') } as const;
  const alone = await picture(await readFile(KODIM), 'w=80&fmt=png');
  t.match(await tasks(task, asked), { bytes: alone.bytes, size: { width: 80 } });
});

t.test(
  'the render behind a header needs no second read, and what comes later takes nothing of it',
  async (t) => {
    const { asked } = context();
    const path = join(t.testdir(), 'original');
    await copyFile(KODIM, path);
    const read = await original(path);
    const task = { kind: 'render', original: read, spec: spec('fmt=png&w=80') } as const;
    await tasks({ kind: 'open', original: read }, asked);
    await rm(path);
    const alone = await picture(await readFile(KODIM), 'w=80&fmt=png');
    t.match(await tasks(task, asked), { bytes: alone.bytes });
    await t.rejects(tasks(task, asked), { code: 'ENOENT' }, 'it is kept for one task');
    await copyFile(KODIM, path);
    await tasks({ kind: 'open', original: read }, asked);
    await tasks({ kind: 'open', original: await original(corpusPath('svg/plain.svg')) }, asked);
    await rm(path);
    await t.rejects(tasks(task, asked), { code: 'ENOENT' }, 'nor beside another one');
  },
);

t.test('a drawing that inflates to much is not kept for its render either', async (t) => {
  const { asked } = context();
  const path = join(t.testdir(), 'drawing.svgz');
  const svg = await readFile(corpusPath('svg/plain.svg'));
  await writeFile(path, gzipSync(Buffer.concat([svg, Buffer.alloc(9 * 2 ** 20, ' ')])));
  const read = await original(path);
  await tasks({ kind: 'open', original: read }, asked);
  await rm(path);
  await t.rejects(tasks({ kind: 'render', original: read, spec: spec('fmt=png&w=40') }, asked), {
    code: 'ENOENT',
  });
});

t.test('nothing is rendered for who has left', async (t) => {
  const { asked, leaving } = context();
  leaving.abort(new Error('The client has left.'));
  const task = { kind: 'render', original: await original(KODIM), spec: spec('fmt=png&w=80') } as const;
  await t.rejects(tasks(task, asked), { message: 'The client has left.' });
});

t.test('a group tells of each that is still wanted, and of no other', async (t) => {
  const { asked, parts } = context((canonicals) => !canonicals.includes('fmt=webp&w=60'));
  const specs = ['fmt=webp&w=80', 'fmt=jpeg&w=80', 'fmt=webp&w=60', 'fmt=webp&w=40'].map(spec);
  await tasks({ kind: 'group', original: await original(KODIM), specs }, asked);
  t.same(
    parts.map(({ canonical, rendered, failure }) => [canonical, rendered?.size?.width, failure?.code]).sort(),
    [
      ['fmt=jpeg&w=80', 80, undefined],
      ['fmt=webp&w=40', 40, undefined],
      ['fmt=webp&w=80', 80, undefined],
    ],
  );
  t.ok(parts.every(({ ms }) => ms >= 0));
  t.equal(await tasks({ kind: 'group', original: await original(KODIM), specs: [] }, asked), undefined);
});

t.test('pages of a group are each opened as they are, and a header is kept for its own page', async (t) => {
  const { asked, parts } = context();
  const pages = await unlikePages();
  const file = joined(
    [pages['plain'], pages['larger'], pages['seeThrough']].map((page) => page ?? Buffer.alloc(0)),
  );
  const path = join(t.testdir(), 'pages.tif');
  await writeFile(path, file);
  const read = await original(path);
  const names = ['fmt=png&w=50', 'fmt=png&page=2&w=50', 'fmt=webp&page=2&w=50', 'fmt=webp&page=3'];
  await tasks({ kind: 'group', original: read, specs: names.map(spec) }, asked);
  t.same(parts.map(({ canonical }) => canonical).sort(), names.toSorted());
  for (const { canonical, rendered } of parts)
    t.ok(rendered?.bytes.equals((await picture(file, canonical)).bytes), canonical);
  t.match(await tasks({ kind: 'open', original: read, page: 1 }, asked), { stored: { width: 356 } });
  const first = { kind: 'render', original: read, spec: spec('fmt=png') } as const;
  t.match(await tasks(first, asked), { size: { width: 240 } });
  t.match(await tasks({ kind: 'open', original: read, page: 7 }, asked), {
    stored: { width: 240 },
    pages: 3,
  });
  await tasks({ kind: 'open', original: read, page: 1 }, asked);
  await rm(path);
  const second = { kind: 'render', original: read, spec: spec('fmt=png&page=2') } as const;
  t.match(await tasks(second, asked), { size: { width: 356 } }, 'without a second read');
});

t.test('of a group whose original breaks off, each is told to have failed', async (t) => {
  const { asked, parts } = context();
  const specs = ['fmt=webp&w=20', 'fmt=jpeg&w=20'].map(spec);
  const broken = await original(corpusPath('corrupt/truncated.png'));
  await tasks({ kind: 'group', original: broken, specs }, asked);
  t.same(
    parts.map(({ canonical, failure }) => [canonical, failure?.code]),
    specs.map(({ canonical }) => [canonical, 'damaged_source']),
  );
});

t.test('a mark is decoded whole, a drawing at the side that is asked for', async (t) => {
  const { asked } = context();
  const decode = async (path: string, side: number) =>
    tasks({ kind: 'mark', original: await original(path), limits: LIMITS, side }, asked);
  t.match(await decode(KODIM, 9), { size: { width: 768, height: 512 } });
  t.match(await decode(corpusPath('svg/plain.svg'), 300), { size: { width: 300 } });
  await t.rejects(decode(corpusPath('corrupt/truncated.png'), 9), { code: 'damaged_source' });
});

t.test('an original that came short from its store is no verdict on it', async (t) => {
  const path = join(t.testdir(), 'short');
  await writeFile(path, (await readFile(KODIM)).subarray(0, 1000));
  const { asked } = context();
  await t.rejects(tasks({ kind: 'open', original: { path, bytes: 2000 } }, asked), {
    code: 'store_unavailable',
  });
});

t.test('a compressed drawing gives what the same drawing does', async (t) => {
  const { asked, parts } = context();
  const svg = await readFile(corpusPath('svg/plain.svg'));
  const path = join(t.testdir(), 'drawing.svgz');
  await writeFile(path, gzipSync(svg));
  const specs = ['fmt=png&w=40', 'fmt=png&w=50'].map(spec);
  await tasks({ kind: 'group', original: await original(path), specs }, asked);
  for (const { canonical, rendered } of parts) {
    const alone = await picture(svg, canonical);
    t.ok(rendered && (await same(rendered.bytes, alone.bytes)), canonical);
  }
  t.equal(parts.length, 2);
});

async function same(a: Uint8Array, b: Uint8Array): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map((bytes) => sharp(bytes).raw().toBuffer()));
  return left !== undefined && right !== undefined && left.equals(right);
}
