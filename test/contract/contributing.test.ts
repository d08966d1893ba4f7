import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { Objects } from '../../server/stores/objects.ts';
import { runBare } from '../support/command.ts';
import { ROOT } from '../support/markdown.ts';
import { objectsSuite } from './objects.suite.ts';

const PATH = 'server/stores/map/objects.ts';
const page = await readFile(`${ROOT}CONTRIBUTING.md`, 'utf8');
const [, code = ''] = new RegExp(`\`${PATH}\`\\n\\n\`\`\`ts\\n([\\s\\S]*?)\`\`\``).exec(page) ?? [];

/** A copy of what stores are written against, with the store of the page in it. */
const copy = t.testdir();
for (const folder of ['server/stores', 'server/shared'])
  await cp(join(ROOT, folder), join(copy, folder), { recursive: true });
await cp(join(ROOT, 'tsconfig.json'), join(copy, 'tsconfig.base.json'));
const tsconfig = { extends: './tsconfig.base.json', files: [PATH] };
await writeFile(join(copy, 'tsconfig.json'), JSON.stringify(tsconfig));
await writeFile(join(copy, 'package.json'), '{"type":"module"}');
await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
await mkdir(join(copy, dirname(PATH)));
await writeFile(join(copy, PATH), code);

/** The parse boundary: what the page exports is what it says. */
type Exported = { MapObjects: new (entries: () => Map<string, never>) => Objects };
const { MapObjects } = (await import(join(copy, PATH))) as Exported;
const entries = new Map<string, never>();

t.test('the store of CONTRIBUTING compiles', async (t) => {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  await t.resolves(runBare(tsc, ['--noEmit', '-p', copy], copy));
});

void objectsSuite(t, 'objects in a Map', {
  objects: new MapObjects(() => entries),
  unreachable: new MapObjects(() => {
    throw new Error('nobody there');
  }),
  leftovers: async () => [],
  gaps: {},
});
