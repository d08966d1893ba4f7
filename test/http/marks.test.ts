import sharp from 'sharp';
import t, { type Test } from 'tap';
import { signUrl } from '../../server/writing/signing.ts';
import { corpus } from '../support/corpus.ts';
import { API_TOKENS } from '../support/env.ts';
import { drawn, pixels } from '../support/pictures.ts';
import { bytesOf, problemOf, startServer, type TestServer } from '../support/server.ts';

const KEY = 'a1'.repeat(32);
const SIGNING_KEYS = `main=${KEY}`;
const WATERMARKS = 'tag=tag.svg;written=written.svg;dot=dot.png;other=other.png;phone=phone.heic';

const svg = (text: string) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 60"><text y="40" font-size="24">${text}</text></svg>`,
  );
const encoded = (text: string | Buffer) => Buffer.from(text).toString('base64url');
const sign = (url: string) => signUrl(url, { kid: 'main', key: KEY, presets: {} });

async function started(t: Test, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ WATERMARKS, SIGNING_KEYS, ...env });
  t.teardown(() => server.close());
  await server.put('tag.svg', svg('{text}'));
  await server.put('grey', await drawn(100, 60, () => [128, 128, 128]));
  await server.put('dot.png', await drawn(10, 6, (x, y) => [255, x * 20, y * 40]));
  await server.put('other.png', await drawn(10, 6, () => [0, 0, 255]));
  return server;
}

t.test('a text is taken from a signed URL alone, also where others need no signature', async (t) => {
  const server = await started(t);
  const url = `grey?fmt=png&wm=tag&wmx=${encoded('19.90 €')}`;
  const signed = sign(url);
  t.equal((await server.get(signed)).status, 200);
  for (const unsigned of [`/img/${url}`, signed.replace(/&kid.*/, ''), `/img/grey/fmt=png&wm=tag&wmx=YQ`])
    t.match(await problemOf(await server.get(unsigned)), {
      status: 403,
      code: 'signature_required',
      detail: /wmx/,
    });
  const other = encoded('9.90 €');
  for (const forged of [signed.replace(/wmx=\w+/, `wmx=${other}`), signed.replace(/sig=./, 'sig=_')])
    t.match(await problemOf(await server.get(forged)), { status: 403, code: 'bad_signature' });
  t.equal(
    (await server.get('/img/grey?fmt=png&wm=tag')).status,
    200,
    'without a text it is as any other mark',
  );
  const second = `grey?fmt=png&wm=dot&wm2=tag&wm2x=${encoded('a')}`;
  t.match(await problemOf(await server.get(`/img/${second}`)), { status: 403 });
  t.equal((await server.get(sign(second))).status, 200);
});

t.test('where no key is known nobody writes; behind a signing edge its word counts', async (t) => {
  const path = `/img/grey?fmt=png&wm=tag&wmx=${encoded('a')}`;
  const keyless = await started(t, { SIGNING_KEYS: '' });
  t.match(await problemOf(await keyless.get(path)), { status: 403, code: 'signature_required' });
  t.match(await problemOf(await keyless.get(sign(path.slice(5)))), { status: 403, code: 'bad_signature' });
  const behind = await started(t, { SIGNATURES: 'edge', API_TOKENS });
  t.equal((await behind.get(path)).status, 200);
  await t.rejects(startServer({ WATERMARKS, PRESETS: `a=wm=tag&wmx=${encoded('a')}` }), /a text/);
});

t.test('what a text says is drawn as letters, whatever it says', async (t) => {
  const server = await started(t);
  const asked = 'grey?fmt=png&wms=90&wmg=center&wm=';
  const empty = await pixels(await bytesOf(await server.get(`/img/${asked}tag`)));
  const plain = (letter: string) => `&#x${letter.charCodeAt(0).toString(16)};`;
  for (const text of [`19.90 € "'`, '<image href="x"/>', '$& &amp; ]]> {text}', 'é'.repeat(100)]) {
    await server.put('written.svg', svg(text.replace(/[&<>{]/g, plain)));
    const shown = await pixels(await bytesOf(await server.get(sign(`${asked}tag&wmx=${encoded(text)}`))));
    const wanted = await pixels(await bytesOf(await server.get(`/img/${asked}written`)));
    t.ok(shown.data.equals(wanted.data), text);
    t.notOk(empty.data.equals(wanted.data), 'and it is seen');
  }
});

t.test('what is no text, and a mark that takes none, is told', async (t) => {
  const server = await started(t);
  const refused: [query: string, facts: object][] = [
    [`wm=dot&wmx=${encoded('a')}`, { param: 'wmx', detail: /takes no text/ }],
    [`wm=tag&wmx=${encoded(Buffer.from([0xff, 0xfe]))}`, { param: 'wmx', detail: /no text/ }],
    [`wm=tag&wmx=${encoded('a\nb')}`, { param: 'wmx' }],
    [`wm=tag&wmx=${encoded('\uffff')}`, { param: 'wmx' }],
    [`wm=tag&wm2=dot&wm2x=${encoded('a')}`, { param: 'wm2x' }],
    ['wm=dot&wm2=nobody', { param: 'wm2', received: 'nobody' }],
  ];
  for (const [query, facts] of refused)
    t.match(
      await problemOf(await server.get(sign(`grey?fmt=png&${query}`))),
      { status: 400, code: 'invalid_parameter', ...facts },
      query,
    );
});

t.test('tiles lie side by side, each with half of the gap around it', async (t) => {
  const server = await started(t);
  const mark = await pixels(await corpusOf(server, 'dot.png'));
  for (const gap of [0, 3, 4]) {
    const answer = await server.get(`/img/grey?fmt=png&wm=dot&wms=10&wmt&wmp=${gap}`);
    const shown = await pixels(await bytesOf(answer));
    const [wrong, before]: [string[], number] = [[], Math.floor(gap / 2)];
    for (let y = 0; y < 60; y += 1)
      for (let x = 0; x < 100; x += 1) {
        const [left, top] = [(x % (10 + gap)) - before, (y % (6 + gap)) - before];
        const isMark = left >= 0 && left < 10 && top >= 0 && top < 6;
        const wanted = isMark ? mark.at(left, top) : [128, 128, 128, 255];
        if (String(shown.at(x, y)) !== String(wanted))
          wrong.push(`${x},${y}: ${shown.at(x, y)}, not ${wanted}`);
      }
    t.same(wrong.slice(0, 3), [], `gap ${gap}`);
  }
  const large = await server.get('/img/grey?fmt=png&wm=dot&wms=100&wmt&wmp=9');
  t.equal(large.status, 200, 'a tile as large as the picture');
});

const corpusOf = async (server: TestServer, id: string) => bytesOf(await server.get(`/img/${id}?fmt=png`));

t.test('a second mark lies above the first, with settings of its own', async (t) => {
  const server = await started(t);
  const url = '/img/grey?fmt=png&wm=dot&wms=10&wmp=0&wmg=nw&wm2=other&wm2s=5&wm2p=2&wm2g=nw';
  const shown = await pixels(await bytesOf(await server.get(url)));
  t.same(shown.at(0, 0), [255, 0, 0, 255], 'the first');
  t.same(shown.at(3, 3), [0, 0, 255, 255], 'the second, 5 x 3 px, 2 px from the corner');
  t.same(shown.at(8, 3), [255, 160, 120, 255]);
  t.same(shown.at(50, 50), [128, 128, 128, 255]);
  await server.put('phone.heic', await corpus('heic/RGB_8_chroma444.heif'));
  t.equal(
    (await server.get('/img/grey?fmt=png&wm=phone&wm2=dot')).status,
    200,
    'a HEIC is a mark as any other',
  );
  await server.put('other.png', await drawn(10, 6, () => [0, 255, 0]));
  const again = await pixels(await bytesOf(await server.get(url)));
  t.same(again.at(3, 3), [0, 255, 0, 255], 'a replaced mark is seen');
  await server.put('gif', await corpus('samples/cat-trotting.gif'));
  const moving = await bytesOf(await server.get('/img/gif?w=80&fmt=gif&wm=dot&wm2=other&wm2t&wm2o=50'));
  t.equal((await sharp(moving, { animated: true }).metadata()).pages, 20);
});
