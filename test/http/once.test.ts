import t from 'tap';
import { keysOf, noise } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { storedKey } from '../support/results.ts';
import { startServer } from '../support/server.ts';

t.test('widths above that of the original are rendered once and stored once', async (t) => {
  const server = await startServer({});
  t.teardown(() => server.close());
  await server.put('a.jpg', await noise(80, 60));
  const etags = new Set<string | null>();
  const tiers: (string | null)[] = [];
  for (const width of [81, 200, 800, 1600, 8192]) {
    const answer = await server.get(`/img/a.jpg?w=${width}&fmt=webp`);
    await answer.arrayBuffer();
    await server.composed.images.settle();
    t.equal(answer.headers.get('x-image-width'), '80');
    etags.add(answer.headers.get('etag'));
    tiers.push(answer.headers.get('x-image-cache'));
  }
  t.equal(etags.size, 1);
  t.same(tiers, ['miss', 'memory', 'memory', 'memory', 'memory']);
  t.same(await keysOf(server.stores.results), [storedKey('a.jpg', 'fmt=webp')]);
  const again = await server.get('/img/a.jpg?w=200&fmt=webp');
  t.equal(again.headers.get('x-image-cache'), 'memory');
  const told = await (await server.get('/api/explain/a.jpg?w=800&fmt=webp')).json();
  t.match(told, { sameAs: 'fmt=webp', key: storedKey('a.jpg', 'fmt=webp') });
});

t.test('with nothing in memory they are read from that one object', async (t) => {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  const server = await startServer({ DATA_DIR });
  t.teardown(() => server.close());
  await server.put('a.jpg', await noise(80, 60));
  await (await server.get('/img/a.jpg?fmt=webp')).arrayBuffer();
  await server.composed.images.settle();
  const other = await startServer({ DATA_DIR });
  t.teardown(() => other.close());
  const answer = await other.get('/img/a.jpg?w=800&fmt=webp');
  t.equal(answer.headers.get('x-image-cache'), 'stored');
  await server.put('a.jpg', await noise(90, 60));
  t.equal(
    (await server.get('/img/a.jpg?w=800&fmt=webp')).headers.get('x-image-width'),
    '90',
    'never of an older one',
  );
});
