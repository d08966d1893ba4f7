import fc from 'fast-check';
import sharp from 'sharp';
import t from 'tap';
import { drawn, picture, pixels } from '../../../support/pictures.ts';
import { alwaysAsync } from '../../../support/property.ts';

/** Of each channel. */
async function mean(bytes: Uint8Array): Promise<number[]> {
  const { data, width, height } = await pixels(bytes);
  const sum = (band: number) => {
    let total = 0;
    for (let index = band; index < data.length; index += 4) total += data[index] ?? 0;
    return total;
  };
  return [0, 1, 2].map((band) => sum(band) / (width * height));
}

/** What scaling to a single row is off by. */
const MAX_OFF = 6;

t.test('a thin JPEG made small is what its pixels are, in any of its orientations', async (t) => {
  await alwaysAsync(
    t,
    fc.asyncProperty(
      fc.integer({ min: 300, max: 2400 }),
      fc.integer({ min: 1, max: 150 }),
      fc.integer({ min: 8, max: 250 }),
      fc.integer({ min: 1, max: 8 }),
      async (long, short, width, orientation) => {
        // Along its short side it goes from one colour to another one, as a divider or a shadow does.
        const scene = await drawn(long, short, (x, y) => [
          Math.round((255 * x) / long),
          Math.round((255 * y) / Math.max(1, short - 1)),
          128,
        ]);
        const original = await sharp(scene)
          .withMetadata({ orientation })
          .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
          .toBuffer();
        const side = orientation < 5 ? 'w' : 'h';
        const found = await mean((await picture(original, `${side}=${width}&fmt=png`)).bytes);
        const exact = await mean(scene);
        const off = Math.max(...found.map((band, index) => Math.abs(band - (exact[index] ?? 0))));
        if (off > MAX_OFF)
          throw new Error(`${long} x ${short} to ${width}, ${orientation}: ${found}, not ${exact}`);
      },
    ),
    {
      numRuns: 60,
      examples: [
        [2000, 9, 241, 1],
        [2000, 17, 100, 6],
        [2300, 6, 100, 1],
        [1000, 71, 100, 3],
      ],
    },
  );
});
