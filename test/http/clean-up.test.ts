import t from 'tap';
import { call, form, keysOf, noise } from '../support/api.ts';
import { startServer } from '../support/server.ts';

t.test('a form that is refused leaves no image, though one of its files cannot be taken back', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const { originals, records } = server.stores;
  const files = await Promise.all([1, 2, 3].map((seed) => noise(40, 30, seed + 50)));
  const bury = records.images.bury.bind(records.images);
  let failures = 1;
  records.images.bury = (...values) =>
    failures-- > 0 ? Promise.reject(new Error('the store is away')) : bury(...values);
  const parts = files.map((file) => ['file', file] as const);
  const refused = await call(server, 'POST', '/api/images', form([...parts, ['collection', 'none']]));
  t.match(refused, { status: 404, body: { code: 'collection_not_found' } });
  t.ok(failures < 0, 'the first could not be taken back');
  t.equal((await keysOf(originals)).length, 1, 'and the others were');
  const { items } = await records.images.list({ limit: 10 });
  t.match(items, [{ status: 'uploading' }], 'what is left waits for the sweep, and is no image');
});
