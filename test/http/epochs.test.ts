import sharp from 'sharp';
import t, { type Test } from 'tap';
import { place } from '../../server/core/query/path.ts';
import { PIPELINE } from '../../server/core/version.ts';
import { epochsAtEdge } from '../../server/reading/epoch.ts';
import { call, keysOf, noise } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { storedKey } from '../support/results.ts';
import { startServer, type TestServer } from '../support/server.ts';

const WATERMARKS = 'logo=marks/red.png';
const MARKED = 'fmt=png&w=60&wm=logo&wms=100';
const PLAIN = 'fmt=png&w=60';

const mark = (background: string): Promise<Buffer> =>
  sharp({ create: { width: 20, height: 20, channels: 3, background } })
    .png()
    .toBuffer();

async function folder(t: Test): Promise<string> {
  const made = await temporaryFolder();
  t.teardown(() => removeFolder(made));
  return made;
}

/** A deployment over a folder that others share; with two pictures and two marks. */
async function deployment(t: Test, DATA_DIR: string, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ DATA_DIR, WATERMARKS, ...env });
  t.teardown(() => server.close());
  if ((await keysOf(server.stores.originals)).length === 0) {
    await server.put('a.jpg', await noise(80, 60));
    await server.put('marks/red.png', await mark('#ff0000'));
    await server.put('marks/blue.png', await mark('#0000ff'));
  }
  return server;
}

/** Colour of the mark on a picture, and where the picture came from. */
async function seen(server: TestServer, query: string): Promise<[colour: string, tier: string | null]> {
  const answer = await server.get(`/img/a.jpg?${query}`);
  const { data, info } = await sharp(Buffer.from(await answer.arrayBuffer()))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  await server.composed.images.settle();
  const [red = 0, green = 0, blue = 0] = data.subarray((info.width * 22 + 30) * 3);
  const colour = red > 200 && green < 60 && blue < 60 ? 'red' : blue > 200 && red < 60 ? 'blue' : 'none';
  return [colour, answer.headers.get('x-image-cache')];
}

t.test('a replaced mark is on every picture at once, whatever was stored or in memory', async (t) => {
  const data = await folder(t);
  const server = await deployment(t, data);
  const other = await deployment(t, data);
  t.same(await seen(server, MARKED), ['red', 'miss']);
  t.same(await seen(server, MARKED), ['red', 'memory']);
  t.same(await seen(other, MARKED), ['red', 'stored']);
  await server.put('marks/red.png', await mark('#0000ff'));
  t.same(await seen(server, MARKED), ['blue', 'miss'], 'not from memory');
  t.same(await seen(other, MARKED), ['blue', 'stored'], 'not the old one');
  t.same(await seen(server, PLAIN), ['none', 'miss']);
  await server.put('marks/red.png', await mark('#ff0000'));
  t.same(await seen(server, PLAIN), ['none', 'memory'], 'other pictures stay');
});

t.test('so is one that is registered anew under its name', async (t) => {
  const data = await folder(t);
  const before = await deployment(t, data);
  t.same(await seen(before, MARKED), ['red', 'miss']);
  const after = await deployment(t, data, { WATERMARKS: 'logo=marks/blue.png' });
  t.same(await seen(after, MARKED), ['blue', 'miss']);
});

t.test('a deployment that renders otherwise looks elsewhere, as its edge does', async (t) => {
  const data = await folder(t);
  const before = await deployment(t, data);
  const after = await deployment(t, data, { REVISION: 'fonts2' });
  const edge = (revision: string) => epochsAtEdge({ revision, watermarks: {} });
  const at = ({ plain, marked }: { plain: string; marked: string }) =>
    `img/a.jpg/${place(PLAIN, plain, marked)}`;
  t.same(await seen(before, PLAIN), ['none', 'miss']);
  t.ok(await before.stores.results.head(at(edge(''))), 'the edge finds it by itself');
  t.equal(await before.stores.results.head(at(edge('fonts2'))), undefined, 'the new edge finds nothing');
  t.same(await seen(after, PLAIN), ['none', 'miss']);
  t.ok(await before.stores.results.head(at(edge('fonts2'))));
  t.same(await seen(before, PLAIN), ['none', 'memory'], 'both go on with their own');
  await call(after, 'POST', '/api/images/a.jpg/purge');
  t.same(await keysOf(after.stores.results), [], 'a purge clears both');
});

t.test('no edge finds a picture with a mark, as it cannot tell whether that is current', async (t) => {
  const server = await deployment(t, await folder(t));
  const remapped = epochsAtEdge({ revision: '', watermarks: { logo: 'marks/blue.png' } });
  const here = epochsAtEdge({ revision: '', watermarks: { logo: 'marks/red.png' } });
  t.not(place(MARKED, here.plain, here.marked), place(MARKED, remapped.plain, remapped.marked));
  t.equal(place(PLAIN, here.plain, here.marked), place(PLAIN, remapped.plain, remapped.marked));
  await seen(server, MARKED);
  const keys = await keysOf(server.stores.results);
  t.same(keys, [storedKey('a.jpg', MARKED)]);
  for (const { plain, marked } of [here, remapped])
    t.notOk(keys.includes(`img/a.jpg/${place(MARKED, plain, marked)}`));
});

t.test('tasks of two deployments at once leave nothing at the edge that outlives one of them', async (t) => {
  const server = await deployment(t, await folder(t), { VERSION_SECONDS: '3' });
  const { plain, marked } = epochsAtEdge({ revision: '', watermarks: { logo: 'marks/red.png' } });
  const control = async (form: string, status = 200) => {
    const answer = await server.get(`/img/a.jpg/${form}`);
    t.equal(answer.status, status, form);
    return answer.headers.get('cache-control');
  };
  const own = await control(PLAIN);
  t.equal(await control(place(PLAIN, plain, marked)), own);
  t.equal(await control(place(MARKED, plain, marked)), own);
  t.equal(await control(place(PLAIN, plain, marked)), own, 'and from memory');
  for (const epoch of [`${Number(PIPELINE) + 1}`, `${PIPELINE}-x`, `${PIPELINE}~0`, '']) {
    for (const _time of ['miss', 'memory'])
      t.equal(await control(`${PLAIN}&_=${epoch}`), 'public, max-age=3', `of ${epoch}`);
    t.equal(await control(`fmt=png&newer=1&_=${epoch}`, 400), 'no-store', 'a refusal neither');
  }
  const long = `${'text=1&'.repeat(200)}w=1`;
  t.equal(await control(long, 414), 'public, max-age=300');
});

t.test('where a key would be longer than S3 takes, nothing is stored, and explain says so', async (t) => {
  const server = await deployment(t, await folder(t));
  const id = `${'写'.repeat(232)}.jpg`;
  await server.put(id, await noise(40, 30));
  const path = encodeURIComponent(id);
  const query = `w=20&fmt=png&bg=aabbcc&pad=1,2,3,4&border=5,aabbcc&r=12&blur=2.345&bri=11&con=12&sat=13&hue=14&gam=1.234&sepia=15&tint=ddeeff&sharp=1.234&pix=3&median=3&rect=r,0.123,0.123,0.456,0.456&fit=cover&h=30&fp=0.123,0.456&zoom=1.234&mb=123456&dpr=1&colors=32&orient=0&flip=h&rot=33&inv=1&norm=1&wm=logo&wmg=nw&wmo=33&wms=44&wmp=55`;
  const told = (await call(server, 'GET', `/api/explain/${path}?${query}`)).body;
  const bytes = Buffer.byteLength(`img/${id}/${told['variant']}&_=${PIPELINE}`);
  t.ok(bytes > 1024, `${bytes} bytes`);
  t.match(told, { key: null, unstored: /1,024/ });
  t.match((await call(server, 'GET', `/api/explain/${path}?w=9`)).body, { key: /^img\// });
  const answer = await server.get(`/img/${path}?${query}`);
  t.equal(answer.status, 200);
  await server.composed.images.settle();
  t.same(await keysOf(server.stores.results), []);
  t.equal((await server.get(`/img/${path}?${query}`)).headers.get('x-image-cache'), 'memory');
});
