import t from 'tap';
import { missesOf, SAMPLINGS } from '../../../support/trim-measure.ts';
import { KINDS } from '../../../support/trim-pictures.ts';

/** Pictures of each kind for each way to code them. */
const PICTURES = 140;
/** Measured: 1 or 2 of 1,000, on pure colours and of dots of a pixel, of which the file does not say enough. */
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
