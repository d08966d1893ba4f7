import sharp from 'sharp';
import t from 'tap';
import { thumbHashToRGBA } from 'thumbhash';
import { previewOf } from '../../../../server/core/render/preview.ts';
import { openOriginal } from '../../../../server/core/render/render.ts';
import { corpus, corpusRows } from '../../../support/corpus.ts';
import { LIMITS, picture } from '../../../support/pictures.ts';
import { sampler } from '../../../support/sample.ts';

const preview = async (bytes: Uint8Array, limits = LIMITS) =>
  previewOf(await openOriginal(bytes), {
    limits,
    pass: { timeoutSeconds: 20 },
    now: () => performance.now(),
  });

const isRefused = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'decoded',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );

t.test('what a preview can be made of can be rendered, and nothing else', async (t) => {
  const sampled = sampler();
  const files = corpusRows().map(({ file }) => file);
  const broken = files.filter((file) => file.startsWith('corrupt/'));
  const whole = files.filter((file) => file.startsWith('formats/'));
  for (const file of [...broken, ...sampled(whole, 3)]) {
    const bytes = await corpus(file);
    const rendered = await isRefused(picture(bytes, 'fmt=png&w=300&anim=0'));
    const moving = await isRefused(picture(bytes, 'fmt=webp&w=300'));
    const told = await isRefused(preview(bytes));
    t.equal(told, rendered === 'decoded' ? moving : rendered, file);
  }
});

/** Everything that was cut at a share of its bytes fails where a full render does. */
t.test('a file that breaks off is found out by its preview', async (t) => {
  const files = [
    'samples/ladybug.jpg',
    'exif/landscape-6.jpg',
    'samples/cat-trotting.gif',
    'animated/cat-trotting.webp',
    'samples/transparency-demo.png',
    'formats/kodim23.avif',
    'formats/tiled.tiff',
  ];
  for (const file of files) {
    const bytes = await corpus(file);
    for (const share of [0.3, 0.6, 0.9]) {
      const cut = bytes.subarray(0, Math.floor(share * bytes.length));
      const told = await isRefused(preview(cut));
      t.equal(told, await isRefused(picture(cut, 'fmt=webp')), `${file} cut at ${share}`);
    }
  }
});

t.test('placeholder and colour are those of the upright picture', async (t) => {
  for (const file of ['exif/landscape-6.jpg', 'samples/cat-trotting.gif', 'samples/drop-shadow.svg']) {
    const bytes = await corpus(file);
    const { placeholder, color } = await preview(bytes);
    t.match(color, /^#[\da-f]{6}$/);
    const hash = thumbHashToRGBA(Buffer.from(placeholder, 'base64'));
    const shown = await picture(bytes, 'fmt=png&w=100&h=100&anim=0');
    const { width = 1, height = 1 } = await sharp(shown.bytes).metadata();
    t.ok(Math.abs(Math.log(hash.w / hash.h / (width / height))) < 0.15, `${file} has its shape`);
  }
});

t.test('a moving picture of too many frames has the preview of its first', async (t) => {
  const gif = await corpus('samples/cat-trotting.gif');
  const { placeholder } = await preview(gif, { ...LIMITS, maxPixels: 60_000 });
  t.equal(placeholder, (await preview(gif)).placeholder);
  await t.rejects(preview(gif, { ...LIMITS, maxPixels: 40_000 }), { code: 'too_many_pixels' });
});
