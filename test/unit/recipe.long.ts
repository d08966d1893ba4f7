import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import t from 'tap';
import { runBare } from '../support/command.ts';
import { removeFolder } from '../support/folders.ts';
import { ROOT } from '../support/markdown.ts';
import { patched, type Step, stepsOf } from '../support/recipe.ts';

/** What is not of the repository. */
const OTHERS = /(^|\/)(node_modules|\.git|\.tap|data|cdktf\.out|\.terraform)(\/|$)/;

const copy = await mkdtemp(join(tmpdir(), 'rendition-'));
await cp(ROOT, copy, { recursive: true, filter: (path) => !OTHERS.test(relative(ROOT, path)) });
await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
t.teardown(() => removeFolder(copy));

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  await readFile(join(copy, 'package.json'), 'utf8'),
);

/** Runs a command of the recipe in the copy; resolves to what it printed, rejects when it fails. */
function run(command: string): Promise<string> {
  const line = command.replace(/^npm run (\w+)( --)?/, (_all, name) => scripts[name] ?? name);
  const [program = '', ...words] = line.replace(/^npx /, '').split(' ');
  const path = program === 'node' ? process.execPath : join(ROOT, 'node_modules/.bin', program);
  return runBare(path, words, copy);
}

async function follow(step: Step): Promise<void> {
  const path = join(copy, step.file);
  if (step.kind === 'ts') await writeFile(path, step.text, { flag: 'wx' });
  else if (step.kind === 'diff') await writeFile(path, patched(await readFile(path, 'utf8'), step));
  else await run(step.text.trim());
}

const readGoldens = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(copy, 'test/golden/goldens.json'), 'utf8'));

t.test('the recipe for an operation, followed to the letter, gives a tree whose tests pass', async (t) => {
  const before = await readGoldens();
  const steps = stepsOf('An operation');
  for (const step of steps) await follow(step);
  const { exposure, ...others } = await readGoldens();
  t.ok(exposure, 'a golden of its own');
  t.same(others, before, 'and no other has changed');
  t.match(await readFile(join(copy, 'docs/parameters.md'), 'utf8'), /^## exposure$/m);
  const written = steps.flatMap(({ file, kind }) => (kind === 'sh' ? [] : [file]));
  await writeFile(
    join(copy, 'tsconfig.some.json'),
    `{"extends":"./tsconfig.json","files":["${written[0]}"]}`,
  );
  for (const command of [
    'tsc --noEmit -p tsconfig.some.json',
    'node test/unit/core/query/canonical.test.ts',
    'node test/golden/golden.test.ts',
    'npm run docs -- --check',
    'node test/http/openapi.test.ts',
    'node test/http/playground.test.ts',
    'node infra/edge/bytes.ts',
  ])
    await t.resolves(run(command), command);
});
