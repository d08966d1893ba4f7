import t from 'tap';
import { HEADS, makeOriginals, OUTPUTS, TAILS, wrongIn } from '../../../support/passes.ts';
import { seeded, seedOfRun } from '../../../support/seeded.ts';

t.setTimeout(3_600_000);

/** Of the matrix, beside the tail that tore pictures; passes.nightly.ts has all of it. */
const SHARE = 0.3;
const ALWAYS = 'pad=10&border=5,f00';

const seed = seedOfRun();
const draw = seeded(seed);
t.comment(`seed ${seed}`);

for (const output of OUTPUTS) {
  const trials = HEADS.flatMap((head) => TAILS.map((tail) => ({ head, tail, output })));
  const chosen = trials.filter(({ tail }) => tail === ALWAYS || draw() < SHARE);
  t.test(`steps that share a pass give what they give alone: ${output}`, async (t) => {
    const originals = await makeOriginals();
    for (const trial of chosen)
      t.equal(await wrongIn(trial, originals), undefined, `${trial.head} | ${trial.tail}`);
  });
}
