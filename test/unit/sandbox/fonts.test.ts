import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openRendering, type Rendering } from '../../../server/compose/rendering.ts';
import { fontFolders } from '../../../server/sandbox/fonts.ts';
import type { OriginalRef, RenderSpec } from '../../../server/sandbox/protocol.ts';
import { removeFolder } from '../../support/folders.ts';
import { pixels } from '../../support/pictures.ts';

const AMPLE = { maxCpuMs: 120_000, maxWallMs: 120_000, maxResidentBytes: 4 * 2 ** 30 };
const spec: RenderSpec = {
  canonical: 'fmt=png&w=200',
  priority: 'live',
  limits: { maxPixels: 1e8, maxFrames: 100 },
  timeoutSeconds: 60,
};
const svg = (text: string, family = 'Arial') =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 50"><text x="5" y="35" font-family="${family}" font-size="24">${text}</text></svg>`;

async function draw({ pool, scratch }: Rendering, text: string, family?: string) {
  const path = scratch.path();
  const content = svg(text, family);
  await writeFile(path, content);
  const original: OriginalRef = { path, bytes: Buffer.byteLength(content) };
  const { bytes, warnings } = await pool.run('render', { original, spec }, AMPLE);
  return { warnings, shown: await pixels(bytes) };
}

/** Processes that have no fonts but these: what the machine has installed is not looked at. */
async function started(t: Test, fontsDir?: string): Promise<Rendering> {
  const rendering = await openRendering(
    { renderSlots: 1, renderNice: 0, fontsDir },
    { scratchParent: tmpdir() },
    () => undefined,
  );
  t.teardown(() => rendering.close());
  return rendering;
}

t.test('every installation draws text with the same fonts, whatever the machine has', async (t) => {
  const rendering = await started(t);
  const { warnings, shown } = await draw(rendering, 'Hello Ünï Жя');
  t.same(warnings, []);
  t.ok(
    shown.data.some((value) => value > 0),
    'there is text',
  );
  const named = await draw(rendering, 'Hello Ünï Жя', 'DejaVu Sans');
  t.same(shown.data, named.shown.data, 'Arial is drawn as DejaVu Sans');
  for (const [family, ours] of [
    ['serif', 'DejaVu Serif'],
    ['monospace', 'DejaVu Sans Mono'],
    ['sans-serif', 'DejaVu Sans'],
    ['Nobody Has This', 'DejaVu Sans'],
  ]) {
    const [asked, given] = [await draw(rendering, 'Hagx', family), await draw(rendering, 'Hagx', ours)];
    t.same(asked.shown.data, given.shown.data, `${family} is drawn as ${ours}`);
  }
});

t.test('letters without a glyph are told', async (t) => {
  const rendering = await started(t);
  t.same((await draw(rendering, 'Hello 你好')).warnings, ['missing-glyphs']);
  t.same((await draw(rendering, 'Hello &#x4f60;')).warnings, ['missing-glyphs']);
  t.same((await draw(rendering, '&lt;Hello&gt;')).warnings, []);
});

t.test('a folder of fonts adds to them; an empty one changes nothing', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fonts-'));
  t.teardown(() => removeFolder(folder));
  const plain = await draw(await started(t, folder), 'Hello');
  t.same(plain.warnings, []);
  t.ok(
    plain.shown.data.some((value) => value > 0),
    'there is text without a font of the operator',
  );
  const [own = ''] = fontFolders(undefined);
  await mkdir(join(folder, 'house'));
  await cp(join(own, 'DejaVuSerif.ttf'), join(folder, 'house', 'House.ttf'));
  const rendering = await started(t, folder);
  const { warnings, shown } = await draw(rendering, 'Hello', 'DejaVu Serif');
  t.same(warnings, []);
  t.notSame(shown.data, plain.shown.data, 'a font of the folder is used');
});
