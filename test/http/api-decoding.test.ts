import sharp from 'sharp';
import t from 'tap';
import { call, form, keysOf, noise } from '../support/api.ts';
import { corpus } from '../support/corpus.ts';
import { startServer } from '../support/server.ts';
import { tiff } from '../support/tiff.ts';

const server = await startServer({ RENDER_SLOTS: '1' });
t.teardown(() => server.close());
const { core, management } = server.composed;

const upload = (bytes: Uint8Array, id: string) =>
  call(
    server,
    'POST',
    '/api/images',
    form([
      ['id', id],
      ['file', bytes],
    ]),
  );
const look = async (id: string) => (await call(server, 'GET', `/api/images/${id}`)).body;

const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length / 2);

/** Their headers are whole: only their pixels are not, or of a kind that nobody decodes. */
async function unrenderable(): Promise<[name: string, bytes: Buffer, status: number][]> {
  const twelveBits = await corpus('formats/lossless.jpg');
  twelveBits[twelveBits.indexOf(Buffer.from('ffc3', 'hex')) + 4] = 12;
  return [
    ['half-photo.jpg', half(await corpus('samples/ladybug.jpg')), 422],
    ['half-progressive.jpg', half(await corpus('photos/snow-forest-20mp.jpg')), 422],
    ['half.png', half(await corpus('samples/transparency-demo.png')), 422],
    ['half.webp', half(await corpus('formats/harvesters-lossy.webp')), 422],
    ['half-moving.webp', half(await corpus('animated/cat-trotting.webp')), 422],
    ['half.tif', half(await corpus('formats/tiled.tiff')), 422],
    ['twelve-bits.jpg', twelveBits, 415],
    ['planar.tif', tiff({ planar: 2, tiled: true }), 415],
    ['lab.tif', tiff({ photometric: 8 }), 415],
    ['old-style.tif', tiff({ compression: 6 }), 415],
  ];
}

t.test('what cannot be rendered is refused at the upload, and nothing of it stays', async (t) => {
  for (const [id, bytes, status] of await unrenderable()) {
    const answer = await upload(bytes, id);
    t.match(answer, { status, body: { code: status === 415 ? 'unsupported_source' : 'damaged_source' } }, id);
    t.match(await look(id), { status: 404 }, `${id} is no image`);
  }
  t.same(await keysOf(server.stores.originals), []);
});

t.test('an upload has its placeholder and colour at once', async (t) => {
  const red = await sharp({ create: { width: 90, height: 60, channels: 3, background: '#c01020' } })
    .png()
    .toBuffer();
  t.match(await upload(red, 'red.png'), { status: 202, body: { status: 'completed' } });
  const { original } = await look('red.png');
  t.match(original, { placeholder: /^[\w+/]+=*$/, color: /^#[bc][\da-f][01][\da-f][12][\da-f]$/ });
});

t.test('one that arrives in the bucket gets the status failed, with the reason', async (t) => {
  for (const [id, bytes] of await unrenderable()) {
    await server.put(id, bytes);
    await management?.reconciler.reconcile(id);
    t.match(await look(id), { status: 'failed', error: /damaged|cannot be read/, original: null }, id);
  }
  t.ok((await keysOf(server.stores.originals)).includes('half.png'), 'it stays with its owner');
});

t.test('bytes that cannot be rendered never replace those that can', async (t) => {
  const before = await look('red.png');
  const path = '/api/images/red.png/original';
  const answer = await call(server, 'PUT', path, form([['file', half(await corpus('samples/ladybug.jpg'))]]));
  t.match(answer, { status: 422, body: { code: 'damaged_source' } });
  t.same(await look('red.png'), before);
});

t.test('without a slot in time the upload is taken, and decided once there is one', async (t) => {
  const permit = await core.admissions.render.acquire({ ms: 10, bytes: 0 });
  const [good, bad] = await Promise.all([
    upload(await noise(60, 40), 'late-good.jpg'),
    upload(half(await corpus('samples/ladybug.jpg')), 'late-bad.jpg'),
  ]);
  t.match([good, bad], [{ status: 202 }, { status: 202 }]);
  for (const id of ['late-good.jpg', 'late-bad.jpg']) {
    const record = await look(id);
    t.match(record, { status: 'uploaded', original: { format: 'jpeg' } }, `${id}: nothing is said of it yet`);
  }
  const jobs = await server.stores.jobs.receive({ max: 10, waitSeconds: 0, visibilitySeconds: 60 });
  const sent = jobs.map(({ body }) => body).filter((body) => body.includes('late-'));
  t.equal(sent.length, 2, 'a warmer is asked to look');
  permit.release();
  for (const id of ['late-good.jpg', 'late-bad.jpg']) await management?.reconciler.reconcile(id);
  t.match(await look('late-good.jpg'), { status: 'completed', original: { placeholder: String } });
  t.match(await look('late-bad.jpg'), { status: 'failed', error: /damaged/ });
});
