import t from 'tap';
import { missesOf, SAMPLINGS } from '../../../support/trim-measure.ts';
import { KINDS } from '../../../support/trim-pictures.ts';

/** Pictures of each kind for each way to code them. */
const PICTURES = 140;
/** Measured: 0 of 4:4:4, 5 of 4:2:0, 3 of WebP: pure colours and dots of a pixel, of which the file does not say enough. */
const MOST = 0.004;

for (const [index, sampling] of SAMPLINGS.entries())
  t.test(`${PICTURES * KINDS.length} pictures of ${KINDS.length} kinds, ${sampling}, q60-95`, async (t) => {
    const seeds = Array.from({ length: PICTURES }, (_, seed) => 1 + index * PICTURES + seed);
    const misses = await missesOf(seeds, (seed) => ({ sampling, quality: 60 + ((seed * 7) % 36) }));
    t.comment(JSON.stringify(misses));
    t.ok(
      misses.length <= PICTURES * KINDS.length * MOST,
      `${misses.length} cut, or more than 2 px too large`,
    );
  });
