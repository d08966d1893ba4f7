import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { ROOT } from '../support/markdown.ts';
import { patched, stepsOf } from '../support/recipe.ts';

/** recipe.long.ts follows the steps in a copy of the tree and runs its tests: that takes as long as a whole suite. */
t.test('the recipe for an operation fits the tree as it is', async (t) => {
  const steps = stepsOf('An operation');
  t.same(
    steps.map(({ kind }) => kind),
    ['ts', 'diff', 'diff', 'diff', 'sh', 'sh'],
  );
  for (const step of steps) {
    if (step.kind === 'ts') t.notOk(existsSync(ROOT + step.file), `${step.file} is new`);
    if (step.kind === 'diff') t.ok(patched(readFileSync(ROOT + step.file, 'utf8'), step), step.file);
  }
});
