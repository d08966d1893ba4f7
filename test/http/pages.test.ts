import t from 'tap';
import { bytesOf, problemOf, startServer } from '../support/server.ts';
import { tiff } from '../support/tiff.ts';
import { joined, unlikePages } from '../support/tiff-pages.ts';

const pages = await unlikePages();
const names = Object.keys(pages);
const server = await startServer();
t.teardown(() => server.close());
await server.put('all.tif', joined(Object.values(pages)));
for (const [name, bytes] of Object.entries(pages)) await server.put(`${name}.tif`, bytes);
const file = (name: string): Buffer => pages[name] ?? Buffer.alloc(0);

const QUERIES = [
  '',
  'w=100',
  'w=60&h=60&fit=cover',
  'rect=10,5,60,40&fmt=png',
  'trim=10&fmt=webp&lossless',
  'w=3000',
];
const accept = 'image/webp,*/*';

t.test('a page is answered as a file of its own would be, from the first request on', async (t) => {
  for (const [index, name] of names.entries())
    for (const query of QUERIES) {
      const answer = async (path: string) => {
        const response = await server.get(path, { headers: { accept } });
        const told = ['etag', 'content-type', 'x-image-warning', 'x-image-width', 'x-image-height'];
        const bytes = await bytesOf(response);
        return { status: response.status, bytes, ...told.map((header) => response.headers.get(header)) };
      };
      const alone = await answer(`/img/${name}.tif?${query}`);
      t.equal(alone.status, 200, `${name} alone: ${query}`);
      t.strictSame(await answer(`/img/all.tif?page=${index + 1}&${query}`), alone, `${name}: ${query}`);
    }
});

t.test('explain tells of the page what it would tell of a file of its own', async (t) => {
  const told = async (path: string) => {
    const body = (await (await server.get(path, { headers: { accept } })).json()) as Record<string, unknown>;
    const { alpha } = body['original'] as { alpha: boolean };
    const { format, geometry, cost, quality, warnings, passes, moves } = body;
    return { alpha, format, geometry, cost, quality, warnings, passes, moves };
  };
  for (const [index, name] of names.entries())
    for (const query of QUERIES) {
      const alone = await told(`/api/explain/${name}.tif?${query}`);
      t.ok(alone.cost, `${name} alone: ${query}`);
      t.strictSame(await told(`/api/explain/all.tif?page=${index + 1}&${query}`), alone, `${name}: ${query}`);
    }
});

t.test('what is wrong with a page is told of that page alone', async (t) => {
  const odd = tiff({ photometric: 1, bits: [32], samples: 3 });
  const torn = Buffer.from(file('larger'));
  // Its pixels lie before its directory.
  torn.fill(0xff, 300, torn.readUInt32LE(4) - 300);
  await server.put('odd.tif', joined([file('plain'), odd, torn, file('smaller')]));
  const status = async (query: string) => {
    const response = await server.get(`/img/odd.tif?fmt=png&${query}`);
    return response.status === 200 ? 200 : [response.status, (await problemOf(response))['code']];
  };
  t.same(await status('page=2'), [415, 'unsupported_source']);
  t.same(await status('page=3'), [422, 'damaged_source']);
  t.same(await status('page=5'), [400, 'invalid_parameter']);
  t.same(await status('page=3&w=50'), [422, 'damaged_source']);
  t.same(await status('page=4'), 200);
  t.same(await status('w=200'), 200);
});

t.test('a page above the limit is refused, the others are not', async (t) => {
  const small = await startServer({ MAX_SOURCE_PIXELS: '100000' });
  t.teardown(() => small.close());
  await small.put('a.tif', joined([file('plain'), file('larger'), file('smaller')]));
  t.match(await problemOf(await small.get('/img/a.tif?page=2&w=20')), { code: 'too_many_pixels' });
  t.equal((await small.get('/img/a.tif?page=3&w=20')).status, 200);
  t.equal((await small.get('/img/a.tif?w=20')).status, 200);
});
