import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { call, form } from '../support/api.ts';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';

t.test('what is not of a feed it neither takes over, nor changes, nor deletes', async (t) => {
  const { DATA_DIR, server, write, look } = await watched(t, { IMPORT_HOSTS: '', IMPORT_PRIVATE: '0' });
  const [a = '', b = ''] = ['a', 'b'].map((name) => join(DATA_DIR, name));
  for (const folder of [a, b]) await mkdir(folder);
  for (let n = 0; n < 12; n++) await writeFile(join(a, `${n}.jpg`), await picture(n + 1));
  // The other feed lists a picture of the first one under its id, and bytes that are a person's.
  await writeFile(join(b, '1.jpg'), await picture(2));
  await writeFile(join(a, 'mine.jpg'), await picture(50));
  await server.put('mine.jpg', await picture(50));
  const feed = { kind: 'folder', prefix: '', vanished: 'delete' };
  await write({ name: 'a', from: a, ...feed }, { name: 'b', from: b, ...feed });
  await look();
  const reason = async (name: string) => (await feedOf(server, name)).run?.reasons[0]?.error;
  t.match(await feedOf(server, 'a'), { run: { seen: 13, new: 12, failed: 1 } });
  t.match(await reason('a'), /^conflict: .*"mine.jpg" was not brought in by a feed/);
  t.match(await reason('b'), /^conflict: .*"1.jpg" is a picture of the feed "a"/);

  const theirs = await picture(60);
  await call(server, 'PUT', '/api/images/2.jpg/original', form([['file', theirs]]));
  await writeFile(join(a, '2.jpg'), await picture(70));
  await rm(join(b, '1.jpg'));
  for (const name of ['a', 'b']) await ask(server, name);
  await look();
  t.ok((await idsOf(server)).includes('1.jpg'), 'what b lists no more is a picture of a');
  t.match(await feedOf(server, 'a'), { status: 'ok', run: { seen: 13, new: 0, changed: 0 } });
  t.same(await (await server.stores.originals.get('2.jpg'))?.bytes(), theirs, 'what a person has put stays');

  await writeFile(join(b, '1.jpg'), await picture(2));
  for (const name of ['1.jpg', 'mine.jpg']) await rm(join(a, name));
  for (const name of ['a', 'b']) await ask(server, name);
  await look();
  t.match(await feedOf(server, 'a'), { status: 'ok', run: { seen: 11, vanished: 1 } });
  t.match(await feedOf(server, 'b'), { status: 'ok', run: { new: 1, failed: 0 } }, 'then it is of b');
  await rm(join(a, '2.jpg'));
  await ask(server, 'a');
  await look();
  t.same((await idsOf(server)).length, 13, 'nothing of a person is deleted');
});
