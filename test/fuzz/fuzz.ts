import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { removeFolder } from '../support/folders.ts';
import { fuzzImages } from './images.ts';
import { fuzzQueries } from './queries.ts';

/** The tests of both, in the numbers that a form of the tests has time for. SEED=… has the same again. */
export function fuzz(numbers: {
  readonly queries: number;
  readonly images: number;
  readonly seed: number;
}): void {
  const { seed } = numbers;

  t.test(`${numbers.queries} queries: each is read in one way, or refused by its reason`, async (t) => {
    const { read, refused, planned, faults } = await fuzzQueries(numbers.queries, seed);
    t.comment(`seed ${seed}: ${read} read, ${planned} of them planned, ${refused} refused`);
    t.same(faults, []);
    t.equal(read + refused, numbers.queries);
    t.ok(planned > numbers.queries / 4 && refused > numbers.queries / 10);
  });

  t.test(`${numbers.images} broken images: each is rendered or refused, at nobody else's cost`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'rendition-fuzz-'));
    const { rendered, refused, ends, compared, faults } = await fuzzImages(numbers.images, seed, folder);
    t.comment(`seed ${seed}: ${rendered} rendered, refused ${JSON.stringify(refused)}`);
    t.comment(`${compared} heads of JPEGs compared; processes that ended: ${JSON.stringify(ends)}`);
    if (faults.length === 0) await removeFolder(folder);
    t.same(faults, [], `files of faults are in ${folder}`);
    t.ok(rendered > numbers.images / 20);
    t.ok(compared > numbers.images / 50);
  });
}
