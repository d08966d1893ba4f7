import t from 'tap';
import { HEADS, makeOriginals, OUTPUTS, TAILS, wrongIn } from '../../../support/passes.ts';

t.setTimeout(3_600_000);

for (const output of OUTPUTS) {
  t.test(`steps that share a pass give what they give alone: ${output}`, async (t) => {
    const originals = await makeOriginals();
    for (const head of HEADS)
      for (const tail of TAILS)
        t.equal(await wrongIn({ head, tail, output }, originals), undefined, `${head} | ${tail}`);
  });
}
