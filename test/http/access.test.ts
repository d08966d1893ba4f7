import { createHash, createHmac } from 'node:crypto';
import t from 'tap';
import { readPresets } from '../../server/core/operations/transformation.ts';
import { signUrl } from '../../server/writing/signing.ts';
import { call } from '../support/api.ts';
import { rendition } from '../support/cli.ts';
import { corpus } from '../support/corpus.ts';
import { API_TOKENS, AUTHORIZED } from '../support/env.ts';
import { problemOf, startServer } from '../support/server.ts';

const KEYS = { main: 'a1'.repeat(32), old: 'b2'.repeat(32) };
const SIGNING_KEYS = Object.entries(KEYS)
  .map(([kid, key]) => `${kid}=${key}`)
  .join(';');
interface SignedAnswer {
  urls: string[];
  kid: string;
  exp: number | null;
}

const now = () => Math.floor(Date.now() / 1000);

async function serverWith(t: Pick<typeof import('tap').default, 'teardown'>, env: Record<string, string>) {
  const server = await startServer(env);
  t.teardown(() => server.close());
  await server.put('cat.gif', await corpus('samples/cat-trotting.gif'));
  return server;
}

t.test('serves signed URLs only, where it is told to', async (t) => {
  const server = await serverWith(t, { SIGNATURES: 'required', SIGNING_KEYS, API_TOKENS });
  const presets = readPresets({});
  const sign = (url: string, kid: keyof typeof KEYS, exp?: number) =>
    signUrl(url, { kid, key: KEYS[kid], exp, presets });
  const signed = sign('cat.gif?w=90&fmt=webp', 'main');
  t.equal((await server.get(signed)).status, 200);
  t.equal((await server.get(signed)).status, 200, 'again, by the hit path');
  t.equal(
    (await server.get(signed.replace('w=90', 'width=45&dpr=2'))).status,
    200,
    'another spelling of what was signed',
  );
  t.equal(
    (await server.get(sign('cat.gif?w=80', 'old', now() + 60))).status,
    200,
    'another key, with an end',
  );
  const cases: [url: string, status: number, code: string][] = [
    ['/img/cat.gif?w=90&fmt=webp', 403, 'signature_required'],
    [signed.replace('w=90', 'w=91'), 403, 'bad_signature'],
    [signed.replace('cat.gif', 'dog.gif'), 403, 'bad_signature'],
    [signed.replace('kid=main', 'kid=old'), 403, 'bad_signature'],
    [signed.replace('kid=main', 'kid=nobody'), 403, 'bad_signature'],
    [signed.replace('kid=main', 'kid=constructor'), 403, 'bad_signature'],
    [signed.replace('kid=main', 'kid=toString'), 403, 'bad_signature'],
    [signed.replace(/sig=./, (s) => (s === 'sig=A' ? 'sig=B' : 'sig=A')), 403, 'bad_signature'],
    [`${signed}&exp=${now() + 60}`, 403, 'bad_signature'],
    [sign('cat.gif?w=80', 'main', now() - 1), 410, 'url_expired'],
  ];
  for (const [url, status, code] of cases) {
    const answer = await server.get(url);
    t.match([answer.status, (await problemOf(answer))['code']], [status, code], url);
  }
});

t.test('serves a URL that is signed as it is written, and nothing behind its signature', async (t) => {
  const server = await serverWith(t, {
    SIGNATURES: 'required',
    SIGNING_KEYS,
    API_TOKENS,
    IGNORED_PARAMETERS: 'cb',
  });
  const hmac = (text: string) =>
    createHmac('sha256', Buffer.from(KEYS.main, 'hex')).update(text).digest('base64url');
  const sign = (url: string) => `${url}&sig=w-${hmac(`w-${url}`)}`;
  const good = sign('/img/c%61t.gif?fmt=webp&width=45&dpr=2&kid=main');
  const twice = sign('/img/cat.gif?w=90&kid=main');
  const served = [
    ...[
      good,
      good,
      `${good}&utm_source=mail&fbclid=1&_=2`,
      `${good}&cb=7`,
      `${good}&amp;gclid=x`,
      `${good}&`,
    ],
    ...[twice, sign('/img/cat.gif/w=40&fmt=webp?kid=main'), sign(`/img/cat.gif?kid=main&exp=${now() + 60}`)],
    sign('/img/cat.gif?w=41&amp;kid=main'),
  ];
  for (const url of served) t.equal((await server.get(url)).status, 200, url);
  const refused: [url: string, status: number, code: string][] = [
    [good.replace('c%61t', 'cat'), 403, 'bad_signature'],
    [good.replace('width=45&dpr=2', 'w=90'), 403, 'bad_signature'],
    [twice.replace('&sig=w-', '&sig='), 403, 'bad_signature'],
    [twice.replace('&sig=', '&%73ig='), 403, 'bad_signature'],
    [twice.replace('&sig=', '&amp;sig='), 403, 'bad_signature'],
    [twice.replace('w=90', 'w=91'), 403, 'bad_signature'],
    [`${twice}&h=5`, 400, 'unsigned_parameter'],
    [`${twice}&v=5`, 400, 'unsigned_parameter'],
    [`${twice}&dl`, 400, 'unsigned_parameter'],
    [`${twice}&exp=${now() + 60}`, 400, 'unsigned_parameter'],
    [`${twice}&x=1`, 400, 'unknown_parameter'],
    [`/img/cat.gif?sig=w-${hmac('w-/img/cat.gif?')}&kid=main`, 400, 'unsigned_parameter'],
    [`/img/cat.gif?w=9&kid=main&sig=w-${hmac('/img/cat.gif?w=9&kid=main')}`, 403, 'bad_signature'],
    [sign(`/img/cat.gif?w=80&kid=main&exp=${now() - 1}`), 410, 'url_expired'],
    [sign('/img/cat.gif?w=80'), 403, 'signature_required'],
  ];
  for (const [url, status, code] of refused) {
    const answer = await server.get(url);
    t.match([answer.status, (await problemOf(answer))['code']], [status, code], url);
  }
  const told = await problemOf(await server.get(twice.replace('w=90', 'w=91')));
  t.match(told, { param: 'sig', checked: 'w-/img/cat.gif?w=91&kid=main' }, 'the text that was checked');
  const other = await problemOf(await server.get(`/img/cat.gif?w=5&kid=main&sig=${'a'.repeat(43)}`));
  t.match(other, { checked: 'cat.gif\nw=5\nmain\n' });
});

t.test('signs for whoever has a token', async (t) => {
  const hash = createHash('sha256').update('reader').digest('hex');
  const tokens = `${API_TOKENS};reader=read:${hash}`;
  const server = await serverWith(t, { SIGNATURES: 'required', SIGNING_KEYS, API_TOKENS: tokens });
  const post = (body: object) => call<SignedAnswer>(server, 'POST', '/api/sign', body, AUTHORIZED);
  const asked = [
    '/img/cat.gif?w=20',
    'http://elsewhere/img/cat.gif?w=20&dl=a b.webp&bg=#fff',
    '/img/cat.gif/w=9',
    "/img/cat.gif?dl=it's.webp",
    ...['a b', 'ü', '{a}', 'a^', '`', "'", 'a|b', 'a#', '%20a', '%C3%BC'].map(
      (name) => `/img/cat.gif/dl=${name}`,
    ),
  ];
  for (const form of [undefined, 'canonical', 'written']) {
    const { status, body } = await post({ urls: asked, expiresIn: 600, ...(form ? { form } : {}) });
    t.match([status, body], [200, { kid: 'main', exp: Number }]);
    t.equal(body.urls.length, asked.length);
    for (const url of body.urls) t.equal((await fetch(url)).status, 200, url);
    t.equal(
      body.urls.every((url) => /&sig=w-.{43}$/.test(url)),
      form === 'written',
    );
  }
  t.match((await post({ urls: ['/img/cat.gif'], kid: 'old' })).body, { kid: 'old', exp: null });
  const refused: [body: object, problem: object][] = [
    [{ urls: ['cat.gif'] }, { code: 'invalid_request', received: 'cat.gif' }],
    [{ urls: ['/img/cat.gif?w=0'] }, { code: 'invalid_parameter', param: 'w' }],
    [{ urls: ['/img/cat.gif?exp=5'] }, { code: 'invalid_parameter', param: 'exp' }],
    [
      { urls: ['/img/cat.gif'], kid: 'nobody' },
      { code: 'invalid_request', allowed: 'main old' },
    ],
    [{ urls: [] }, { code: 'invalid_request' }],
  ];
  for (const [body, problem] of refused)
    t.match(await post(body), { status: 400, body: problem }, JSON.stringify(body));
  const reader = { authorization: 'Bearer reader' };
  t.equal((await call(server, 'POST', '/api/sign', { urls: asked }, reader)).status, 403, 'not for readers');
  const without = await serverWith(t, { API_TOKENS });
  const answer = await call(without, 'POST', '/api/sign', { urls: asked }, AUTHORIZED);
  t.match(answer, { status: 403, body: { code: 'not_allowed', detail: /SIGNING_KEYS/ } });
});

t.test('signs with keys of the deployment only', async (t) => {
  const signed = (kid: string, ...more: string[]) =>
    rendition(['sign', 'cat.gif?w=90', '--kid', kid, ...more], { env: { SIGNING_KEYS } });
  t.match((await signed('main')).stdout, /kid=main&sig=/);
  t.match((await signed('main', '--form', 'written')).stdout, /kid=main&sig=w-/);
  t.match((await signed('main', '--form', 'other')).stderr, /--form other: expected canonical or written/);
  t.match((await signed('constructor')).stderr, /No such key in SIGNING_KEYS: constructor/);
});

t.test('ends a URL at its exp even where nothing is signed', async (t) => {
  const server = await serverWith(t, {});
  t.equal((await server.get(`/img/cat.gif?w=9&exp=${now() - 1}`)).status, 410);
});

t.test('serves what presets make and nothing else, where it is told to', async (t) => {
  const server = await serverWith(t, { PRESETS: 'card=w=100&h=80&fit=cover', PRESETS_ONLY: '1' });
  for (const query of ['p=card', 'p=card&dpr=2', 'p=card&fmt=webp', 'w=100&h=80&fit=crop', 'p=card&dl']) {
    t.equal((await server.get(`/img/cat.gif?${query}`)).status, 200, query);
  }
  for (const query of ['w=100', 'p=card&q=30', 'p=card&w=101', '']) {
    const answer = await server.get(`/img/cat.gif?${query}`);
    t.match(
      [answer.status, await problemOf(answer)],
      [403, { code: 'not_allowed', allowed: 'p=card' }],
      query,
    );
  }
});

t.test('serves a preset in every format that it can have, under every spelling', async (t) => {
  const server = await serverWith(t, {
    PRESETS: 'low=w=30&q=40;np=w=21&progressive=0;sharp=w=20&chroma=444;ll=w=10&lossless=1;wide=w=4000',
    PRESETS_ONLY: '1',
  });
  const served = [
    ...['p=low&fmt=png', 'p=low&fmt=gif', 'p=low&fmt=source', 'p=np&fmt=webp', 'p=np&fmt=jpeg&dpr=1.25'],
    ...['p=sharp&fmt=png', 'p=sharp&fmt=jpeg', 'p=ll&fmt=png', 'p=ll&fmt=webp', 'p=wide&fmt=jpeg&dpr=2'],
  ];
  for (const query of served) {
    const spelled = await server.get(`/img/cat.gif?${query}`);
    t.equal(spelled.status, 200, query);
    const explained = await server.get(`/api/explain/cat.gif?${query}`);
    const { url, access } = (await explained.json()) as { url: string; access: unknown };
    t.equal(access, 'allowed', query);
    t.equal((await server.get(url)).status, 200, url);
  }
  for (const accept of ['image/avif,image/webp,*/*', 'image/webp', 'image/png', '*/*']) {
    for (const preset of ['low', 'np', 'sharp', 'll']) {
      const headers = { accept };
      t.equal((await server.get(`/img/cat.gif?p=${preset}`, { headers })).status, 200, `${preset} ${accept}`);
      const explained = await server.get(`/api/explain/cat.gif?p=${preset}`, { headers });
      const { url } = (await explained.json()) as { url: string };
      t.equal((await server.get(url)).status, 200, url);
    }
  }
  for (const query of ['p=low&fmt=webp&q=41', 'w=21&fmt=jpeg', 'w=20&fmt=jpeg', 'p=np&w=22&fmt=webp'])
    t.equal((await server.get(`/img/cat.gif?${query}`)).status, 403, query);
  for (const query of ['p=sharp&fmt=webp', 'p=ll&fmt=jpeg', 'p=wide&dpr=4'])
    t.equal((await server.get(`/img/cat.gif?${query}`)).status, 400, `${query}: no such picture`);
});

t.test('serves allowed widths only, where it is told to', async (t) => {
  const server = await serverWith(t, { ALLOWED_WIDTHS: '100,200' });
  for (const query of ['w=100', 'w=100&dpr=2', 'fmt=webp'])
    t.equal((await server.get(`/img/cat.gif?${query}`)).status, 200, query);
  const padded = await server.get('/img/cat.gif?w=100&pad=50&anim=0');
  t.equal(padded.headers.get('x-image-width'), '200', 'it is w that is limited, as the settings say');
  for (const query of ['w=150', 'w=200&dpr=2', 'h=100']) {
    const answer = await server.get(`/img/cat.gif?${query}`);
    t.match(
      [answer.status, await problemOf(answer)],
      [403, { code: 'not_allowed', allowed: '100 200' }],
      query,
    );
  }
});

t.test('what a URL would do names an address that is served, or none', async (t) => {
  const signing = { SIGNING_KEYS, API_TOKENS };
  const cases: [env: Record<string, string>, query: string, isServed: boolean][] = [
    [{}, 'w=30&fmt=webp', true],
    [{ SIGNATURES: 'required', ...signing }, 'w=30&fmt=webp', false],
    [{ SIGNATURES: 'edge', ...signing }, 'w=30&fmt=webp', false],
    [{ ALLOWED_WIDTHS: '30' }, 'w=30&fmt=webp', true],
    [{ ALLOWED_WIDTHS: '30' }, 'w=31&fmt=webp', false],
    [{ PRESETS_ONLY: '1', PRESETS: 'a=w=30' }, 'p=a&fmt=webp', true],
    [{ PRESETS_ONLY: '1', PRESETS: 'a=w=30' }, 'w=31&fmt=webp', false],
  ];
  for (const [env, query, isServed] of cases) {
    const server = await serverWith(t, env);
    const explained = await call<{ url: string | null }>(
      server,
      'GET',
      `/api/explain/cat.gif?${query}`,
      undefined,
      AUTHORIZED,
    );
    const { url } = explained.body;
    const where = `${JSON.stringify(env)} ${query}`;
    t.equal(url !== null, isServed, where);
    if (url) t.equal((await server.get(url)).status, 200, where);
  }
});
