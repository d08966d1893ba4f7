import { readFile } from 'node:fs/promises';
import t from 'tap';
import { RUNS, testFiles } from '../support/together.ts';

const taprc = await readFile(new URL('../../.taprc', import.meta.url), 'utf8');

t.test('npm test runs every file of tests, and none twice', async (t) => {
  const [, include = '', exclude = ''] = taprc.split(/^(?:in|ex)clude:$/m);
  const named = (rows: string) =>
    [...rows.matchAll(/^ {2}- (.*)$/gm)].flatMap(([, pattern = '']) => testFiles(pattern));
  const left = new Set(named(exclude));
  const alone = named(include).filter((file) => !left.has(file));
  const together = Object.values(RUNS).flatMap((pattern) => testFiles(pattern));
  const runs = Object.keys(RUNS).map((name) => `test/runs/${name}.test.ts`);
  t.same([...alone, ...together].toSorted(), testFiles('test/**/*.test.ts'));
  t.same(testFiles('test/runs/*.ts'), runs.toSorted());
});
