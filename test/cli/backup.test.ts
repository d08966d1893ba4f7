import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { call, form, noise } from '../support/api.ts';
import { rendition } from '../support/cli.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startServer } from '../support/server.ts';
import { createWarmer } from '../support/warmer.ts';

const at = (data: string, ...words: string[]) => rendition([...words, '--data', data]);

t.test(
  'a backup that is older than the originals is brought in line with them, and deletes none',
  async (t) => {
    const folder = await temporaryFolder();
    const data = join(folder, 'data');
    const backup = join(folder, 'backup.sqlite');
    const server = await startServer({ DATA_DIR: data });
    const upload = async (id: string, seed: number, title: string) =>
      call(
        server,
        'POST',
        '/api/images',
        form([
          ['id', id],
          ['title', title],
          ['file', await noise(40, 30, seed)],
        ]),
      );
    const { records } = server.stores;
    for (const [seed, id] of ['kept', 'replaced', 'deleted', 'again', 'interrupted'].entries())
      t.equal((await upload(id, seed + 1, id)).status, 202, id);
    // Killed in the middle of a DELETE: the backup knows it as what is to go.
    await records.images.bury('interrupted', { token: 'x', delete: 'all' });
    await records.images.bury('again', { token: 'x', delete: 'all' });
    t.equal((await at(data, 'backup', backup)).code, 0);
    // What happens after the backup.
    t.equal((await call(server, 'DELETE', '/api/images/deleted')).status, 204);
    t.equal((await call(server, 'DELETE', '/api/images/again')).status, 204);
    t.equal((await upload('again', 20, 'New bytes')).status, 202);
    t.equal((await upload('new', 21, 'New')).status, 202);
    await server.put('replaced', await noise(60, 30, 22));
    await server.close();
    const before = (await readdir(join(data, 'originals'))).filter((name) => !name.startsWith('.'));
    const restored = await at(data, 'restore', backup);
    t.equal(restored.code, 0, restored.stderr);
    t.match(restored.stdout, /The one before is kept as .*rendition\.sqlite\.2/);

    const warmer = await createWarmer({ DATA_DIR: data, SWEEP_SECONDS: '1', VISIBILITY_SECONDS: '1' });
    t.teardown(() => warmer.close());
    await warmer.until(async () => {
      await warmer.rounds.run();
      const { items } = await warmer.stores.records.images.list({ limit: 10 });
      return items.length === 4 && items.every(({ owed, status }) => !owed && status === 'completed');
    });
    const { items } = await warmer.stores.records.images.list({ limit: 10 });
    t.same(items.map(({ id }) => id).sort(), ['again', 'interrupted', 'kept', 'replaced']);
    for (const { id, version, original } of items) {
      t.equal(version, (await warmer.stores.originals.head(id))?.etag, `${id} is what lies there`);
      if (id === 'replaced') t.match(original, { width: 60, height: 30 });
    }
    t.match(await warmer.stores.records.images.get('kept'), { title: 'kept' });
    const after = (await readdir(join(data, 'originals'))).filter((name) => !name.startsWith('.'));
    t.same(after, before, 'no original is deleted');
  },
);

t.test('a backup is refused where it is none, or would cost something', async (t) => {
  const data = await temporaryFolder();
  const server = await startServer({ DATA_DIR: data });
  const file = (name: string) => join(data, name);
  t.equal((await at(data, 'backup', file('good'))).code, 0);
  const raw = new DatabaseSync(file('newer'));
  raw.exec('PRAGMA user_version = 999');
  raw.close();
  await writeFile(file('garbage'), 'garbage'.repeat(5000));
  await mkdir(file('empty'));
  const wrong: readonly [words: string[], reason: RegExp][] = [
    [['backup', file('good')], /good is there already/],
    [['restore', file('good')], /rendition\.sqlite is open in a program: stop server and warmers first/],
    [['restore', file('none')], /none: there is no such file/],
    [['restore', file('garbage')], /garbage is no database, or a damaged one/],
    [['restore', file('empty')], /empty is no database, or a damaged one/],
    [['backup', file('absent/other')], /rendition\.sqlite cannot be copied to .*absent\/other/],
    [['restore', file('newer')], /newer is of a newer version \(999\) than this program knows/],
  ];
  for (const [words, reason] of wrong) {
    const { code, stderr } = await at(data, ...words);
    t.equal(code, 1, words.join(' '));
    t.match(stderr, reason);
    t.equal(stderr.trim().split('\n').length, 1, 'one line');
  }
  await server.close();
  t.match(await at(file('empty'), 'backup', file('other')), { code: 1, stderr: /there is no such database/ });
  t.match(await at(file('absent'), 'backup', file('other')), { code: 1, stderr: /there is no such folder/ });
  const cloud = {
    RECORDS_TABLE: 'a',
    JOBS_QUEUE: 'b',
    JOBS_DEAD_LETTER_QUEUE: 'c',
    ORIGINALS_BUCKET: 'd',
    RESULTS_BUCKET: 'e',
  };
  t.match(await rendition(['backup', file('other')], { env: cloud }), {
    code: 1,
    stderr: /DynamoDB and SQS/,
  });
  // Nobody has it open any more, and one that is garbage needs nobody to have.
  t.equal((await at(data, 'restore', file('good'))).code, 0);
  await writeFile(file('rendition.sqlite'), 'garbage'.repeat(5000));
  for (const words of [['stats'], ['backup', file('other')]])
    t.match(await at(data, ...words), { code: 1, stderr: /rendition\.sqlite.*not a database/ });
  t.equal((await at(data, 'restore', file('good'))).code, 0);
  t.equal((await at(data, 'stats')).code, 0);
});
