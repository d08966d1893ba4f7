import type { Test } from 'tap';
import { call, form, keysOf, type UploadAnswer } from '../support/api.ts';
import { corpus } from '../support/corpus.ts';
import { bytesOf, startServer } from '../support/server.ts';

/** What becomes of a HEIC and its master on one kind of stores, from its arrival until it is deleted. */
export async function heicFlow(t: Test, env: Record<string, string> = {}): Promise<void> {
  const server = await startServer({ ORIGINALS_CACHE_BYTES: '0', ...env });
  t.teardown(() => server.close());
  const { results, originals } = server.stores;
  const mastersOf = async () => (await keysOf(results)).filter((key) => key.startsWith('master/'));
  const file = await corpus('heic/RGB_8__128x128.heif');
  const { status, body } = await call<UploadAnswer>(
    server,
    'POST',
    '/api/images',
    form([
      ['id', 'phone/one.heic'],
      ['file', file],
    ]),
  );
  t.match({ status, body }, { status: 202, body: { id: 'phone/one.heic' } }, JSON.stringify(body));
  const [master = '', ...others] = await mastersOf();
  t.same(others, [], 'decoded once, at arrival');
  t.match(master, /^master\/2\/phone\/one\.heic\/1-/);
  t.same(await keysOf(originals), ['phone/one.heic'], 'nothing of it lies among the originals');
  const stored = await originals.get('phone/one.heic');
  t.ok((await stored?.bytes())?.equals(file), 'the original is kept as it came');
  const before = await results.head(master);

  const told = await call(server, 'GET', '/api/explain/phone/one.heic?w=9');
  t.match(told, { status: 200, body: { original: { format: 'heic', bytes: file.length } } });
  const picture = await server.get('/img/phone/one.heic?w=64&fmt=png');
  t.equal(picture.status, 200);
  const pixels = await bytesOf(picture);
  await server.composed.images.settle();
  t.same(await results.head(master), before, 'a render reads the master that is there');
  await results.remove([master]);
  const again = await server.get('/img/phone/one.heic?w=65&fmt=png');
  t.equal(again.status, 200);
  t.same(await mastersOf(), [master], 'made again when gone');
  await results.put(master, Buffer.from('no picture'), { contentType: 'image/png' });
  await call(server, 'POST', '/api/images/phone%2Fone.heic/purge');
  t.same(await mastersOf(), [master], 'a purge is of results; that of the same bytes stays');

  await call(
    server,
    'PUT',
    '/api/images/phone%2Fone.heic/original',
    form([['file', await corpus('heic/zPug_3.heic')]]),
  );
  const [next = '', ...more] = await mastersOf();
  t.same(more, [], 'one for the version that is there');
  t.not(next, master);
  const replaced = await server.get('/img/phone/one.heic?w=64&fmt=png');
  t.equal(replaced.status, 200);
  t.notSame(await bytesOf(replaced), pixels);
  t.match(await call(server, 'DELETE', '/api/images/phone%2Fone.heic'), { status: 204 });
  t.same(await mastersOf(), [], 'deleted with its original');
}
