import sharp from 'sharp';
import t from 'tap';
import { call, form } from '../support/api.ts';
import { corpus, heicRows } from '../support/corpus.ts';
import { sequenceOf } from '../support/heif-sequence.ts';
import { pixels } from '../support/pictures.ts';
import { poolEvents } from '../support/rendering.ts';
import { bytesOf, problemOf, startServer } from '../support/server.ts';
import { heicFlow } from './heic.ts';

const lost = () => poolEvents.filter(({ kind }) => kind !== 'recycled').length;

t.test('a HEIC is decoded once, and its master lives and dies with it', (t) => heicFlow(t));

t.test('the small ones of the corpus have their size, bands and depth; broken ones a reason', async (t) => {
  const before = lost();
  const server = await startServer();
  t.teardown(() => server.close());
  for (const { file, outcome, width, height, tests } of heicRows()) {
    const bytes = await corpus(file);
    if (bytes.length > 100_000) continue;
    await server.put(file, bytes);
    const answer = await server.get(`/img/${file}?fmt=png`);
    if (outcome === 'decode') {
      const header = await sharp(await bytesOf(answer)).metadata();
      t.match(header, { format: 'png', width: Number(width), height: Number(height) }, `${file}: ${tests}`);
      t.equal(header.hasAlpha, /alpha/.test(tests) || file.includes('with-alpha'), file);
    } else t.match(await problemOf(answer), { code: /^(damaged|unsupported)_source$/ }, file);
  }
  t.equal(lost(), before, 'no process was lost');
});

t.test('the edges of a turned picture of odd sides have its own colours', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put('a', await corpus('heic/turned-odd.heic'));
  const { data, info } = await sharp(await bytesOf(await server.get('/img/a?fmt=png')))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [width, height] = [97, 61];
  t.match(info, { width: height, height: width, channels: 4 });
  let most = 0;
  for (let index = 0; index < data.length; index += 4) {
    // The drawing as it is stored, which was turned by 270 degrees: test/support/pillow.py.
    const [x, y] = [width - 1 - Math.floor(index / 4 / height), (index / 4) % height];
    const mean = (0.3 * x + 0.7 * y) / (0.3 * width + 0.7 * height);
    const drawn = [0.3 * (x / width) + 0.7 * mean, 0.3 * (y / height) + 0.7 * mean, mean];
    for (const [band, value] of [...drawn, 0.25 + (0.75 * (x + y)) / (width + height)].entries())
      most = Math.max(most, Math.abs((data[index + band] ?? 0) - 255 * value));
  }
  t.ok(most < 6, `off by ${most} at most`);
});

t.test('colours that were multiplied by their alpha are divided by it', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put('a', await corpus('heic/premultiplied.heic'));
  const { width, height, at } = await pixels(await bytesOf(await server.get('/img/a?fmt=png')));
  let most = 0;
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const drawn = [x / width, y / height, (x + y) / (width + height)].map((value) => 255 * value);
      for (const [band, value] of drawn.entries())
        most = Math.max(most, Math.abs((at(x, y)[band] ?? 0) - value));
    }
  t.ok(most < 16, `off by ${most} at most`);
});

t.test('one alone takes no more memory than all renders may', async (t) => {
  const server = await startServer({ RENDER_MEMORY_BYTES: '16MiB' });
  t.teardown(() => server.close());
  await server.put('a', await corpus('heic/arrow.heic'));
  t.match(await problemOf(await server.get('/img/a?w=9')), {
    status: 422,
    code: 'too_many_pixels',
    detail: /RENDER_MEMORY_BYTES/,
    received: '3024 x 4032 px of 8 bits',
  });
});

t.test('of a sequence the still picture is shown, or the first, and that is said', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const still = await corpus('heic/RGB_8__128x128.heif');
  await server.put('still', still);
  const wanted = await pixels(await bytesOf(await server.get('/img/still?fmt=png')));
  for (const hasStill of [true, false]) {
    const id = hasStill ? 'both' : 'moving';
    await server.put(id, sequenceOf(still, 128, hasStill));
    const answer = await server.get(`/img/${id}?fmt=png`);
    t.equal(answer.headers.get('x-image-warning'), 'first-frame-only', id);
    t.ok((await pixels(await bytesOf(answer))).data.equals(wanted.data), id);
  }
});

/** Another size in the header of every image in the file. */
function claiming(file: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(file);
  for (let box = copy.indexOf('ispe'); box >= 0; box = copy.indexOf('ispe', box + 4)) {
    copy.writeUInt32BE(width, box + 8);
    copy.writeUInt32BE(height, box + 12);
  }
  return copy;
}

t.test('is priced and refused by its header; what lies or breaks off costs no process', async (t) => {
  const before = lost();
  const server = await startServer();
  t.teardown(() => server.close());
  const file = await corpus('heic/RGB_8__128x128.heif');
  const hostile: Record<string, { bytes: Buffer; code: RegExp }> = {
    'a claim of 200 MP': { bytes: claiming(file, 16_320, 12_240), code: /^too_many_pixels$/ },
    'a claim that fits no limit': {
      bytes: claiming(file, 2 ** 32 - 1, 2 ** 32 - 1),
      code: /^too_many_pixels$/,
    },
    'no pixel': { bytes: claiming(file, 0, 0), code: /^damaged_source$/ },
    cut: { bytes: file.subarray(0, file.length - 3000), code: /^damaged_source$/ },
    'a brand alone': {
      bytes: Buffer.from('\0\0\0\x14ftypheic\0\0\0\0heic', 'latin1'),
      code: /^damaged_source$/,
    },
  };
  for (const [name, { bytes, code }] of Object.entries(hostile)) {
    await server.put(name, bytes);
    t.match(
      await problemOf(await server.get(`/img/${encodeURIComponent(name)}?w=9`)),
      { code, status: 422 },
      name,
    );
    t.match(
      await call(server, 'POST', '/api/images', form([['file', bytes]])),
      { status: 422, body: { code } },
      name,
    );
  }
  t.equal(lost(), before, 'no process was lost');
});

t.test('no position of a phone comes out, unless all is kept', async (t) => {
  const server = await startServer({ ALLOW_META_KEEP: '1' });
  t.teardown(() => server.close());
  await server.put('a', await corpus('heic/empty_icc.heic'));
  const exifOf = async (query: string) =>
    (await sharp(await bytesOf(await server.get(query))).metadata()).exif;
  t.equal(await exifOf('/img/a?w=50&fmt=jpeg'), undefined);
  t.notOk((await exifOf('/img/a?w=50&fmt=jpeg&meta=copyright'))?.includes('GPS'));
  t.ok(await exifOf('/img/a?w=50&fmt=jpeg&meta=keep'), 'EXIF comes along where it is asked for');
});

t.test('HEIC=off refuses it wherever it comes in, with the reason', async (t) => {
  const server = await startServer({ HEIC: 'off' });
  t.teardown(() => server.close());
  const file = await corpus('heic/RGB_8__128x128.heif');
  await server.put('a', file);
  const reason = { code: 'unsupported_source', status: 415, detail: /HEIC=off/, received: 'a HEIC image' };
  t.match(await problemOf(await server.get('/img/a?w=9')), reason);
  t.match(await call(server, 'POST', '/api/images', form([['file', file]])), { status: 415, body: reason });
  const announced = { filename: 'a.heic', contentType: 'image/heif', size: 9 };
  t.match(await call(server, 'POST', '/api/images/presign', announced), { status: 415, body: reason });
});
