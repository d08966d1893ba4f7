import t from 'tap';
import { corpus, corpusRows } from '../../../support/corpus.ts';
import { CUTS, shownInPart } from '../../../support/cuts.ts';

t.setTimeout(3_600_000);

t.test('every file of the corpus, cut at several places, is refused or is whole', async (t) => {
  for (const { file } of corpusRows().filter(({ file }) => !/^(bombs|corrupt|svg)/.test(file)))
    t.same((await shownInPart(await corpus(file), CUTS)) ?? [], [], file);
});
