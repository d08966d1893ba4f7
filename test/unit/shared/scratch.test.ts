import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { openScratch, PROBE } from '../../../server/shared/scratch.ts';
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

for (const gone of ['its parent', 'the folder', 'where renders write', 'the probe', 'a file that is kept']) {
  t.test(`a scratch of which somebody removed ${gone} is whole again for whoever needs it`, async (t) => {
    const above = await temporaryFolder();
    t.teardown(() => removeFolder(above));
    const parent = join(above, 'scratch');
    const scratch = await openScratch(parent);
    t.teardown(() => scratch.close());
    const { folder, writable } = scratch;
    const kept = scratch.keep('fonts.conf', 'families');
    const paths = new Map([
      ['its parent', parent],
      ['the folder', folder],
      ['where renders write', writable],
      ['the probe', join(folder, PROBE)],
      ['a file that is kept', kept],
    ]);
    await rm(paths.get(gone) ?? '', { recursive: true });
    await writeFile(scratch.path(), 'an original');
    t.same((await readdir(folder)).length, 4);
    t.equal(await readFile(kept, 'utf8'), 'families');
    if (process.platform === 'win32') return;
    const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;
    t.same(
      [await modeOf(folder), await modeOf(writable)],
      [0o711, 0o1777],
      'for render processes of another user',
    );
  });
}

t.test('a scratch in a data folder that was moved away is not made in its place', async (t) => {
  const above = await temporaryFolder();
  t.teardown(() => removeFolder(above));
  const data = join(above, 'data');
  const scratch = await openScratch(join(data, 'scratch'));
  t.teardown(() => scratch.close());
  await rename(data, join(above, 'moved'));
  t.throws(() => scratch.path(), { code: 'store_unavailable' });
  t.notOk(existsSync(data));
  await rename(join(above, 'moved'), data);
  await writeFile(scratch.path(), 'an original');
});
