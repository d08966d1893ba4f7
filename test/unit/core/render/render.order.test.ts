import fc from 'fast-check';
import t from 'tap';
import { difference, drawn, type Pixels, picture, pixels } from '../../../support/pictures.ts';
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

/** Largest difference of what two pictures of one size show on black. */
function farthest(a: Pixels, b: Pixels): number {
  if (a.width !== b.width || a.height !== b.height) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let index = 0; index < a.data.length; index += 4) {
    const [p, q] = [(a.data[index + 3] ?? 0) / 255, (b.data[index + 3] ?? 0) / 255];
    for (let band = 0; band < 3; band++)
      most = Math.max(most, Math.abs((a.data[index + band] ?? 0) * p - (b.data[index + band] ?? 0) * q));
  }
  return most;
}

const pairs = (firsts: readonly string[], thens: readonly string[]) =>
  firsts.flatMap((first) => thens.map((then) => [first, then] as const));

const MARK = 'wm=a&wms=60&wmo=60&wmg=nw&wmp=0';

t.test('what sharp multiplies by alpha is in no colour, and no number above white in a mark', async (t) => {
  // Of few colours and alphas, without edges that a resize would overshoot at.
  const patches = (alpha: readonly number[]) =>
    drawn(64, 48, (x, y) => {
      const wave = Math.round(60 * Math.sin(x / 9) * Math.cos(y / 7));
      return [190 + wave, 120 - wave, y > 24 ? 60 : 90, alpha[Math.floor(x / 16)] ?? 255];
    });
  const [clear, opaque] = [await patches([255, 150, 60, 200]), await patches([])];
  const watermark = await drawn(20, 10, () => [0, 255, 0, 128]);
  const whole = async (bytes: Buffer, query: string) =>
    (await picture(bytes, `${query}&fmt=png`, { watermark })).bytes;
  const straight = [
    'median=3',
    'gray',
    'sepia=100',
    'bri=40&sat=60',
    'hue=90',
    'thr=120',
    'duo=102030,f0e0a0',
  ];
  const chosen = [
    ...pairs(['w=37', 'w=150&up', 'w=30&h=40&fit=cover'], [...straight, 'rot=30']),
    ...pairs(['w=37&rot=30', 'rot=200&ar=1'], [...straight, 'r=9', 'mask=ellipse', MARK]),
    ...pairs([...straight, 'rot=30'], ['blur=1.2', 'sharp=1']),
    ...pairs(['sepia=100', 'w=37&sepia=80', 'con=90', 'bri=90', 'sat=100'], [MARK]),
  ];
  for (const [first, then] of chosen)
    for (const source of [clear, opaque]) {
      const together = await pixels(await whole(source, `${first}&${then}`));
      const apiece = await pixels(await whole(await whole(source, first), then));
      const apart = farthest(together, apiece);
      t.ok(
        apart <= 6,
        `${first} | ${then}: ${apart.toFixed(1)} apart${source === clear ? ', with alpha' : ''}`,
      );
    }
});

t.test('a turn of what is scaled leaves no other colour along the edge', async (t) => {
  const red = await drawn(60, 40, (x, y) => [200, 40, 30, Math.hypot(x - 30, y - 20) < 15 ? 255 : 0]);
  for (const query of ['rot=30', 'w=33&rot=30', 'w=90&up&rot=75', 'w=33&rot=200&flip=h', `w=33&rot=30&r=5`]) {
    const { data } = await pixels((await picture(red, `${query}&fmt=png`)).bytes);
    let most = 0;
    for (let index = 0; index < data.length; index += 4)
      if ((data[index + 3] ?? 0) > 40)
        most = Math.max(
          most,
          ...[200, 40, 30].map((level, band) => Math.abs(level - (data[index + band] ?? 0))),
        );
    // As far as a resize overshoots.
    t.ok(most <= 25, `${query}: ${most}`);
  }
});
