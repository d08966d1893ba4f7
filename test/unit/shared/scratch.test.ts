import { existsSync } from 'node:fs';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { openScratch } from '../../../server/shared/scratch.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';

t.test('what programs left an hour ago goes when the next one opens its own, and nothing else', async (t) => {
  const parent = await temporaryFolder();
  t.teardown(() => removeFolder(parent));
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  for (const name of ['rendition-scratch-old', 'rendition-scratch-young', 'another-old']) {
    await mkdir(join(parent, name));
    await writeFile(join(parent, name, 'original'), 'bytes');
    if (name.endsWith('old')) await utimes(join(parent, name), hoursAgo, hoursAgo);
  }
  const scratch = await openScratch(parent);
  t.same((await readdir(parent)).filter((name) => /old|young/.test(name)).sort(), [
    'another-old',
    'rendition-scratch-young',
  ]);
  t.notOk(existsSync(scratch.path()), 'nothing lies there yet');
  t.equal(dirname(scratch.path()), scratch.folder);
  await scratch.close();
  t.notOk(existsSync(scratch.folder));
});

t.test('where no folder can be made, the settings that name another are told', async (t) => {
  const parent = await temporaryFolder();
  t.teardown(() => removeFolder(parent));
  await writeFile(join(parent, 'file'), 'no folder');
  await t.rejects(openScratch(join(parent, 'file')), { message: /file .*set TMPDIR or DATA_DIR/ });
});
