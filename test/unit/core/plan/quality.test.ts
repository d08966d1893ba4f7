import t from 'tap';
import { codecQuality, commonQuality } from '../../../../server/core/plan/quality.ts';

t.test(
  'q between two measured points is the nearest whole number on the line, not the one below',
  async (t) => {
    // Of the table: 30 is 17 and 40 is 29 in WebP; 70 is 52 and 75 is 58 in AVIF.
    t.equal(codecQuality('webp', 38), 27, '26.6');
    t.equal(codecQuality('webp', 31), 18, '18.2');
    t.equal(codecQuality('avif', 73), 56, '55.6');
    t.equal(codecQuality('jpeg', 73), 73);
  },
);

t.test('more q is never less quality, in the codec and back', async (t) => {
  for (const format of ['webp', 'avif'] as const) {
    for (let q = 2; q <= 100; q++)
      t.ok(codecQuality(format, q) >= codecQuality(format, q - 1), `${format} ${q}`);
  }
  for (let q = 1; q <= 100; q++)
    t.ok(Math.abs(commonQuality('webp', codecQuality('webp', q)) - q) <= 2, `WebP ${q}`);
  t.equal(commonQuality('jpeg', 40), 40);
});
