import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { groupPlans, type Member } from '../../../../server/core/plan/groups.ts';
import { renderPicture } from '../../../../server/core/render/fan-out.ts';
import { openOriginal, render } from '../../../../server/core/render/render.ts';
import type { Opened } from '../../../../server/core/render/types.ts';
import { corpusPath } from '../../../support/corpus.ts';
import { fanned, looksAlike, member, QUERIES, SOURCES, sharedBy } from '../../../support/fan-out.ts';

/** A photograph that says whose it is, how to hold it, and how large it is to be printed. */
async function signed(): Promise<Buffer> {
  const exif = { IFD0: { Copyright: 'A. Maker', Orientation: '6' } };
  const photo = sharp(await readFile(corpusPath('samples/ladybug.jpg')));
  return photo.resize(1600).withExif(exif).withDensity(300).jpeg().toBuffer();
}

/** Each source with others of the queries; fan-out.long.ts has all of them with all. */
const AT_ONCE = 3;
for (const [index, file] of SOURCES.entries()) {
  const queries = [...QUERIES, ...QUERIES].slice((index * AT_ONCE) % QUERIES.length).slice(0, AT_ONCE);
  t.test(`${file}: what is rendered together is what is rendered alone`, (t) => looksAlike(t, file, queries));
}

/** Asserts that members come out together, to the byte, as each does alone. */
async function areAlike(
  t: Test,
  opened: Opened,
  file: string,
  members: readonly Member[],
): Promise<Buffer[]> {
  const together = await fanned(opened, file, members);
  const files: Buffer[] = [];
  for (const { name, plan, options } of members) {
    const outcome = together.get(name);
    if (!outcome || 'error' in outcome) throw new Error(`${name}: ${String(outcome?.error)}`);
    const alone = await render({ ...sharedBy(opened, file), plan, options });
    t.ok(outcome.rendered.bytes.equals(alone.bytes), name);
    files.push(alone.bytes);
  }
  return files;
}

t.test('in every format, what is rendered together is to the byte what is rendered alone', async (t) => {
  const file = join(t.testdir({ 'signed.jpg': await signed() }), 'signed.jpg');
  const opened = await openOriginal(await readFile(file));
  const formats = ['webp', 'jpeg', 'png', 'avif'];
  for (const more of ['', '&meta=none']) {
    const queries = formats.flatMap((fmt) => [100, 150].map((w) => `w=${w}&fmt=${fmt}${more}`));
    const members = queries.map((query) => member(opened, query));
    for (const bytes of await areAlike(t, opened, file, members)) {
      const { format, density, orientation, exif } = await sharp(bytes).metadata();
      t.match([density ?? 72, orientation ?? 1, exif !== undefined], [72, 1, more === ''], format);
    }
  }
});

t.test('sizes for which the loader shrinks alike are to the byte what is rendered alone', async (t) => {
  const file = 'samples/ladybug.jpg';
  const opened = await openOriginal(await readFile(corpusPath(file)));
  const members = [190, 290, 380, 480, 720, 960].map((width) => member(opened, `w=${width}&fmt=jpeg`));
  t.same(
    groupPlans(members).map(({ base }) => base),
    [
      { width: 408, height: 306, shrink: 8 },
      { width: 816, height: 612, shrink: 4 },
      { width: 1632, height: 1224, shrink: 2 },
    ],
  );
  await areAlike(t, opened, file, members);
});

t.test('so are those of a thin picture, which the loader would cut', async (t) => {
  for (const [width, height] of [
    [2000, 9],
    [71, 1200],
    [1500, 447],
    [1501, 449],
  ] as const) {
    const photo = sharp(await readFile(corpusPath('samples/ladybug.jpg'))).resize(width, height, {
      fit: 'fill',
    });
    const file = join(t.testdir({ 'thin.jpg': await photo.jpeg().toBuffer() }), 'thin.jpg');
    const opened = await openOriginal(await readFile(file));
    const sides = [20, 60, 100, 200, 400].map((side) => Math.ceil((side * width) / Math.max(width, height)));
    await areAlike(
      t,
      opened,
      file,
      sides.map((side) => member(opened, `w=${side}&fmt=png`)),
    );
  }
});

t.test('a base is as large as every turn of it needs', async (t) => {
  const turned = await sharp(await readFile(corpusPath('photos/kodim23.png')))
    .withMetadata({ orientation: 6 })
    .webp()
    .toBuffer();
  const opened = await openOriginal(turned);
  const [group] = groupPlans(
    ['w=300&orient=0&fmt=png', 'w=480&fmt=png'].map((query) => member(opened, query)),
  );
  t.same(group?.base, { width: 720, height: 480, shrink: undefined });
});

t.test('formats of one size are one picture, sizes of one region one decode', async (t) => {
  const groups = async (file: string, queries: string[]) => {
    const opened = await openOriginal(await readFile(corpusPath(file)));
    return groupPlans(queries.map((query) => member(opened, query))).map(({ base, pictures }) => [
      base,
      pictures.map(({ length }) => length),
    ]);
  };
  const queries = ['w=200&fmt=webp', 'w=200&fmt=jpeg&q=50', 'w=100&fmt=webp', 'rect=0,0,50,50&w=20&fmt=webp'];
  t.same(
    await groups('photos/kodim23.png', queries),
    [
      [{ width: 768, height: 512, shrink: 1 }, [2, 1]],
      [undefined, [1]],
    ],
    'what the loader gives',
  );
  t.same(
    await groups('formats/harvesters-lossy.webp', queries),
    [
      [{ width: 200, height: 147, shrink: undefined }, [2, 1]],
      [undefined, [1]],
    ],
    'the largest picture, where the loader scales to every size',
  );
  t.same(
    await groups('photos/kodim23.png', ['w=200&fmt=webp', 'w=200&fmt=jpeg']),
    [[undefined, [2]]],
    'one picture needs no base',
  );
});

t.test('a format that paints another background is another picture', async (t) => {
  const opened = await openOriginal(await readFile(corpusPath('photos/kodim23.png')));
  const groups = groupPlans(['w=200&rot=10&fmt=webp', 'w=200&rot=10&fmt=jpeg'].map((q) => member(opened, q)));
  t.same(
    groups.map(({ pictures }) => pictures.length),
    [2],
  );
});

t.test('what looks at pixels, moves or is drawn is rendered from the original', async (t) => {
  const groups = async (file: string, queries: string[]) => {
    const opened = await openOriginal(await readFile(corpusPath(file)));
    return groupPlans(queries.map((query) => member(opened, query))).map(({ base }) => base);
  };
  const sizes = (rest: string) => ['w=50', 'w=60'].map((size) => `${size}${rest}&fmt=webp`);
  const alone = [undefined, undefined];
  t.same(await groups('photos/kodim23.png', sizes('&trim=10')), alone);
  t.same(await groups('photos/kodim23.png', sizes('&h=70&fit=cover&g=attention')), alone);
  t.same(await groups('photos/kodim23.png', ['w=4000&up&fmt=webp', 'w=4001&up&fmt=webp']), alone);
  t.same(await groups('samples/cat-trotting.gif', sizes('')), alone);
  t.same(await groups('samples/drop-shadow.svg', sizes('')), alone);
  t.same(await groups('photos/adobergb-1.jpg', sizes('&icc=p3')), alone);
});

t.test('an abort ends it before the next member', async (t) => {
  const opened = await openOriginal(await readFile(corpusPath('photos/kodim23.png')));
  const [group] = groupPlans(['w=200&fmt=webp', 'w=200&fmt=jpeg'].map((query) => member(opened, query)));
  const controller = new AbortController();
  const shared = sharedBy(opened, 'photos/kodim23.png', controller.signal);
  const picture = group?.pictures[0];
  if (!picture) throw new Error('no group');
  const render = async () => {
    for await (const { member } of renderPicture(picture, undefined, shared)) {
      t.match(member.name, 'fmt=webp');
      controller.abort(new Error('enough'));
    }
  };
  await t.rejects(render(), { message: 'enough' });
});
