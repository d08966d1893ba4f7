import sharp from 'sharp';
import t from 'tap';
import { readJpegHeader } from '../../../../server/core/original/jpeg.ts';
import { webpKind } from '../../../../server/core/original/lossy-quality.ts';
import { corpus } from '../../../support/corpus.ts';

t.test('the quality of a JPEG is read from its tables, of libjpeg and of mozjpeg', async (t) => {
  const image = sharp({ create: { width: 16, height: 16, channels: 3, background: '#884422' } });
  for (const quantisationTable of [0, 3]) {
    for (let quality = 3; quality <= 100; quality++) {
      const jpeg = await image.clone().jpeg({ quality, quantisationTable }).toBuffer();
      t.equal(readJpegHeader(jpeg)?.quality, quality, `table ${quantisationTable}, ${quality}`);
    }
  }
});

t.test('the quality of a WebP is read from its frame, within what libwebp spreads it by', async (t) => {
  for (const file of ['photos/kodim23.png', 'colour/gainmap-paris.jpg', 'photos/adobergb-1.jpg']) {
    const image = sharp(await corpus(file)).resize(300);
    for (const quality of [20, 40, 60, 75, 85, 95]) {
      const webp = await image.clone().webp({ quality }).toBuffer();
      const { quality: read = 0, isLossless } = webpKind(webp);
      t.ok(Math.abs(read - quality) <= 8 && !isLossless, `${file} ${quality}: ${read}`);
    }
    t.same(webpKind(await image.clone().webp({ lossless: true }).toBuffer()), {
      isLossless: true,
      quality: undefined,
    });
  }
  const { quality = 0 } = webpKind(await corpus('animated/cat-trotting.webp'));
  t.ok(quality > 50 && quality < 85, `the first frame of a moving one: ${quality}`);
});

t.test('whatever breaks off has no quality, and throws nothing', async (t) => {
  const webp = await sharp(await corpus('photos/kodim23.png'))
    .resize(40)
    .webp()
    .toBuffer();
  const jpeg = await sharp(await corpus('photos/kodim23.png'))
    .resize(40)
    .jpeg()
    .toBuffer();
  for (let length = 0; length < 300; length++) {
    t.doesNotThrow(() => webpKind(webp.subarray(0, length)));
    t.doesNotThrow(() => readJpegHeader(jpeg.subarray(0, length)));
  }
});
