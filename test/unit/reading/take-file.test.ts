import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { takeFile } from '../../../server/reading/take-file.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';

t.test('takes a plain file over, and neither a link nor what never ends', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const [from, own, secret] = [join(folder, 'made'), join(folder, 'own'), join(folder, 'secret')];
  await writeFile(secret, 'a key');
  await symlink(secret, from);
  await t.rejects(takeFile(from, own, 9), { code: 'ELOOP' });
  await rm(from);
  spawnSync('mkfifo', [from]);
  await t.rejects(takeFile(from, own, 9), /is no file/);
  await rm(from);
  await t.rejects(takeFile(folder, own, 9));
  t.same(await readdir(folder), ['secret'], 'nothing of them stays');
  await writeFile(from, 'a picture');
  t.equal(await takeFile(from, own, 9), 9);
  t.equal(await readFile(own, 'utf8'), 'a picture');
  await rm(own);
  await t.rejects(takeFile(from, own, 8), /more than 8 bytes/);
  t.same((await readdir(folder)).sort(), ['made', 'secret'], 'nothing that is too large');
});
