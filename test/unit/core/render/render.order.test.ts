import fc from 'fast-check';
import t from 'tap';
import { difference, drawn, picture, pixels } from '../../../support/pictures.ts';
import { alwaysAsync } from '../../../support/property.ts';
import { times } from '../../../support/sample.ts';

/** One query per step, in the documented order of work. */
const STEPS = [
  'norm',
  'gam=1.6',
  'bri=15&sat=30&hue=40',
  'con=25',
  'gray',
  'sepia=60',
  'tint=2e8b57',
  'duo=1b1464,f9f871',
  'inv',
  'median=3',
  'blur=1.2',
  'sharp=1',
  'pix=5',
  'r=8',
  'wm=a&wms=30&wmo=60&wmp=2',
  'pad=4&bg=ffd700',
  'border=3,1b1464',
] as const;

const source = () =>
  drawn(60, 40, (x, y) => [x * 4, 255 - y * 6, (x * y) % 120 < 60 ? 40 : 150, x < 30 ? 255 : 150]);

t.test('any choice of steps gives what its steps give one by one, in the documented order', async (t) => {
  const watermark = await drawn(20, 10, (x) => [255, x * 10, 0]);
  const whole = async (bytes: Buffer, query: string) =>
    (await picture(bytes, `${query}&fmt=png`, { watermark })).bytes;
  await alwaysAsync(
    t,
    fc.asyncProperty(fc.subarray([...STEPS], { minLength: 2, maxLength: 6 }), async (chosen) => {
      const together = await whole(await source(), chosen.join('&'));
      let apiece = await source();
      // bg lies under the whole picture, so it is said with the last step only.
      const bg = chosen.some((step) => step.includes('bg=')) ? '&bg=ffd700' : '';
      for (const step of chosen) apiece = await whole(apiece, step.replace('&bg=ffd700', ''));
      const expected = bg ? await whole(apiece, bg.slice(1)) : apiece;
      return difference(await pixels(together), await pixels(expected)) < 3.5;
    }),
    { numRuns: times(12, 120) },
  );
});
