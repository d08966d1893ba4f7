import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Problem } from '../../server/shared/errors.ts';
import { prepareTempFolder, TempFile } from '../../server/shared/temp-files.ts';
import { temporaryFolder } from '../support/server.ts';

t.beforeEach(async () => {
  delete process.env['TMPDIR'];
  process.env['TMPDIR'] = await temporaryFolder();
});

t.test('is one file however often it is asked for, and gone afterwards', async (t) => {
  const bytes = Buffer.from('an original');
  const scratch = new TempFile(bytes);
  const [path, same] = await Promise.all([scratch.path(), scratch.path()]);
  t.equal(path, same);
  t.same(await readFile(path), bytes);
  await scratch.remove();
  t.same(await readdir(process.env['TMPDIR'] ?? ''), []);
});

t.test('is written as the bytes come, and fails as they do', async (t) => {
  const scratch = new TempFile(
    (async function* () {
      yield Buffer.from('an ');
      yield Buffer.from('original');
    })(),
  );
  t.equal(await readFile(await scratch.path(), 'utf8'), 'an original');
  await scratch.remove();
  const broken = new Problem('store_unavailable', 'Broken off.');
  const half = new TempFile(
    (async function* () {
      yield Buffer.from('an ');
      throw broken;
    })(),
  );
  await t.rejects(half.path(), broken);
  await half.remove();
  t.same(await readdir(process.env['TMPDIR'] ?? ''), []);
});

t.test('is not written when nobody asks', async (t) => {
  await new TempFile(Buffer.from('an original')).remove();
  t.same(await readdir(process.env['TMPDIR'] ?? ''), []);
});

t.test('says that the disk is the trouble, so that the job is tried again', async (t) => {
  process.env['TMPDIR'] = '/dev/null';
  const scratch = new TempFile(Buffer.from('an original'));
  await t.rejects(scratch.path(), { code: 'store_unavailable' });
  await t.rejects(prepareTempFolder(), {
    message: /^Originals are written to \/dev\/null for a while, and cannot be/,
  });
  await scratch.remove();
});

t.test('what was written by half goes too', async (t) => {
  const scratch = new TempFile(Symbol('no bytes') as unknown as Uint8Array);
  await t.rejects(scratch.path(), { code: 'store_unavailable' });
  t.equal((await readdir(process.env['TMPDIR'] ?? '')).length, 1, 'the folder was made');
  await scratch.remove();
  t.same(await readdir(process.env['TMPDIR'] ?? ''), []);
});

t.test('what a killed warmer left goes after an hour, and nothing younger or of others', async (t) => {
  const folder = process.env['TMPDIR'] ?? '';
  const old = new Date(Date.now() - 2 * 3_600_000);
  for (const name of ['rendition-scratch-old', 'rendition-scratch-new', 'other'])
    await mkdir(join(folder, name));
  for (const name of ['rendition-scratch-old', 'other']) await utimes(join(folder, name), old, old);
  await prepareTempFolder();
  t.notOk(existsSync(join(folder, 'rendition-scratch-old')));
  t.same((await readdir(folder)).sort(), ['other', 'rendition-scratch-new']);
});
