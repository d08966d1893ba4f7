import sharp from 'sharp';
import t, { type Test } from 'tap';
import { codecQuality } from '../../server/core/plan/quality.ts';
import { corpus } from '../support/corpus.ts';
import { storedKey } from '../support/results.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { warmerOf } from '../support/warmer.ts';

const busy = await sharp(await corpus('photos/kodim23.png'))
  .resize(300)
  .jpeg({ quality: 95 })
  .toBuffer();
const calm = await sharp(busy).blur(6).jpeg({ quality: 95 }).toBuffer();

async function served(t: Test, env: Record<string, string> = {}) {
  const server = await startServer(env);
  t.teardown(() => server.close());
  for (const [id, bytes] of [
    ['busy', busy],
    ['calm', calm],
  ] as const)
    await server.put(id, bytes);
  const get = async (path: string) => {
    const answer = await server.get(path);
    return { answer, bytes: await bytesOf(answer), etag: answer.headers.get('etag') };
  };
  const explain = async (path: string) =>
    (await (await server.get(`/api/explain/${path}`)).json()) as Record<string, unknown>;
  return { server, get, explain };
}

t.test('q=auto: each picture has a quality of its own, which explain tells once it is known', async (t) => {
  const { get, explain } = await served(t);
  t.match(await explain('busy?w=200&fmt=webp&q=auto'), {
    quality: null,
    qualityBy: /^auto: the first render/,
  });
  const qualities = [];
  for (const id of ['busy', 'calm']) {
    const { bytes } = await get(`/img/${id}?w=200&fmt=webp&q=auto`);
    const told = await explain(`${id}?w=200&fmt=webp&q=auto`);
    t.match(told, {
      qualityBy: 'auto',
      probe: { bitsPerPixel: Number, lumaError: Number, colourError: Number, structureLoss: Number },
    });
    t.equal(told['codecQuality'], codecQuality('webp', Number(told['quality'])));
    const pixels = await sharp(bytes).metadata();
    t.same([pixels.width, pixels.format], [200, 'webp']);
    qualities.push(told['codecQuality']);
    const other = await explain(`${id}?w=200&fmt=avif&q=auto`);
    t.same(other['probe'], told['probe'], 'one probe for all formats of a picture');
    t.equal(
      (await explain(`${id}?w=100&fmt=avif&q=auto`))['quality'],
      null,
      'another size is another picture',
    );
  }
  t.not(qualities[0], qualities[1]);
});

t.test('the same bytes by whichever server and warmer, probe remembered or not', async (t) => {
  const [one, two] = [await served(t), await served(t)];
  const warmer = await warmerOf(t);
  const forms = ['fmt=webp', 'fmt=jpeg'].map((fmt) => `effort=fast&${fmt}&q=auto&w=180`);
  await warmer.ask('busy', busy, forms);
  await warmer.until(async () => (await warmer.stores.records.images.get('busy'))?.status === 'completed');
  // The second server makes them in the other order: the probe of each is then another one's.
  for (const form of forms) await one.get(`/img/busy?${form}`);
  for (const form of forms.toReversed()) await two.get(`/img/busy?${form}`);
  for (const form of forms) {
    const stored = await warmer.stores.results.head(storedKey('busy', form));
    const etags = [(await one.get(`/img/busy?${form}`)).etag, (await two.get(`/img/busy?${form}`)).etag];
    t.same(etags, [`"${stored?.etag}"`, `"${stored?.etag}"`], form);
  }
});

t.test('QUALITY=auto: what says nothing is q=auto, and under a key of its own', async (t) => {
  const { get, explain } = await served(t, { QUALITY: 'auto' });
  const [plain, said, fixed] = [
    await get('/img/busy?w=150&fmt=webp'),
    await get('/img/busy?w=150&fmt=webp&q=auto'),
    await get('/img/busy?w=150&fmt=webp&q=75'),
  ];
  t.equal(plain.etag, said.etag);
  t.not(plain.etag, fixed.etag);
  const told = await explain('busy?w=150&fmt=webp');
  t.match(told, { canonical: 'fmt=webp&q=auto&w=150', qualityBy: 'auto', key: /q=auto/ });
  t.match(await explain('busy?w=150&fmt=webp&q=75'), { canonical: 'fmt=webp&q=75&w=150', quality: 75 });
  t.match(await explain('busy?w=150&fmt=png'), { canonical: 'fmt=png&w=150' });
});

t.test(
  'mb starts from it, moving pictures have that of all, and what an original has lost does not come back',
  async (t) => {
    const { server, get, explain } = await served(t);
    const whole = await get('/img/busy?w=220&fmt=webp&q=auto');
    const roomy = await get('/img/busy?w=220&fmt=webp&q=auto&mb=1M');
    t.same(roomy.bytes, whole.bytes, 'no better than it needs to be');
    const tight = await get(`/img/busy?w=220&fmt=webp&q=auto&mb=${Math.floor(whole.bytes.length * 0.7)}`);
    t.ok(tight.bytes.length <= whole.bytes.length * 0.7);
    await server.put('moving', await corpus('animated/red-blue.gif'));
    const moving = await get('/img/moving?fmt=webp&w=40&q=auto');
    t.same(moving.bytes, (await get('/img/moving?fmt=webp&w=40')).bytes);
    await server.put('poor', await sharp(busy).jpeg({ quality: 20 }).toBuffer());
    await get('/img/poor?fmt=jpeg&q=auto');
    const told = await explain('poor?fmt=jpeg&q=auto');
    t.match(told, { quality: 20, qualityBy: 'original' });
  },
);
