import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { call, form, noise } from '../support/api.ts';
import { API_TOKENS } from '../support/env.ts';
import { addressOf } from '../support/ports.ts';
import { startServer } from '../support/server.ts';

const hash = (token: string) => createHash('sha256').update(token).digest('hex');
const TOKENS = `ci=write:${hash('w-secret')};dash=read:${hash('r-secret')}`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

t.test('says once that it is open when nothing is configured', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  t.equal(server.lines.filter(({ msg }) => String(msg).includes('management API is open')).length, 1);
  t.equal((await call(server, 'GET', '/api/images')).status, 200);
});

t.test('bearer tokens: read and write', async (t) => {
  const server = await startServer({ API_TOKENS: TOKENS });
  t.teardown(() => server.close());
  t.notOk(server.lines.some(({ msg }) => String(msg).includes('is open')));
  const file = await noise(9, 9);
  const upload = (headers: Record<string, string>) =>
    call(server, 'POST', '/api/images', form([['file', file]]), headers);
  const none = await call(server, 'GET', '/api/images');
  t.match(none, { status: 401, body: { code: 'unauthorized' } });
  t.equal(none.headers.get('www-authenticate'), 'Bearer realm="rendition"');
  for (const wrong of [
    'Bearer wrong',
    'Bearer',
    'Basic dzpzZWNyZXQ=',
    `Bearer ${hash('w-secret')}`,
    'Bearer a b',
  ]) {
    const refused = await call(server, 'GET', '/api/images', undefined, { authorization: wrong });
    t.equal(refused.status, 401, wrong);
    t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="rendition", error="invalid_token"');
  }
  t.equal((await call(server, 'GET', '/api/images', undefined, bearer('r-secret'))).status, 200);
  t.equal(
    (await call(server, 'GET', '/api/images', undefined, { authorization: 'bearer w-secret' })).status,
    200,
  );
  t.match(await upload(bearer('r-secret')), { status: 403, body: { code: 'forbidden', allowed: 'write' } });
  const { status, body } = await upload(bearer('w-secret'));
  t.equal(status, 202);
  t.equal(
    (await call(server, 'DELETE', `/api/images/${body['id']}`, undefined, bearer('r-secret'))).status,
    403,
  );
  t.equal((await server.get(`/img/${body['id']}?w=5`)).status, 200, 'pictures need no token');
  t.equal((await server.get(`/api/explain/${body['id']}?w=5`)).status, 401, 'everything under /api does');
  t.equal((await server.get('/healthz')).status, 200);
});

t.test('a presigned form needs no token', async (t) => {
  const server = await startServer({ API_TOKENS: TOKENS });
  t.teardown(() => server.close());
  const file = await noise(9, 9);
  const wanted = { filename: 'a.jpg', contentType: 'image/jpeg', size: file.length };
  t.equal((await call(server, 'POST', '/api/images/presign', wanted)).status, 401);
  type Form = { url: string; fields: Record<string, string> };
  const { body } = await call<Form>(server, 'POST', '/api/images/presign', wanted, bearer('w-secret'));
  const parts = [...Object.entries(body.fields), ['file', file]] as [string, string | Uint8Array][];
  t.equal((await fetch(body.url, { method: 'POST', body: form(parts) })).status, 204);
});

/** An issuer of tokens; `down` makes its keys unreachable. */
async function issuer(t: Test) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' };
  const state = { down: false };
  const keys = createServer((_request, response) => {
    response.writeHead(state.down ? 500 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  t.teardown(() => keys.close());
  const { port } = addressOf(keys);
  const sign = (
    claims: Record<string, unknown>,
    { expires = '5m', audience = 'rendition', issuedBy = 'us' } = {},
  ) => {
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(issuedBy)
      .setAudience(audience)
      .setSubject('ann')
      .setIssuedAt();
    return (expires === 'never' ? token : token.setExpirationTime(expires)).sign(privateKey);
  };
  return { url: `http://127.0.0.1:${port}/jwks.json`, sign, state };
}

t.test('JWTs by the keys of their issuer', async (t) => {
  const { url, sign, state } = await issuer(t);
  const env = { JWKS_URL: url, JWT_ISSUER: 'us', JWT_AUDIENCE: 'rendition', API_TOKENS: TOKENS };
  const server = await startServer(env);
  t.teardown(() => server.close());
  const as = async (method: string, token: string) => {
    const path = method === 'GET' ? '/api/images' : '/api/collections';
    const body = method === 'GET' ? undefined : { name: 'x' };
    return (await call(server, method, path, body, bearer(token))).status;
  };
  const read = await sign({ scope: 'openid read' });
  t.equal(await as('GET', read), 200);
  t.equal(await as('POST', read), 403);
  t.equal(await as('POST', await sign({ scp: ['write'] })), 201);
  t.equal(await as('GET', await sign({})), 403, 'no scope');
  t.equal(await as('GET', await sign({ scope: 'read' }, { expires: '-1m' })), 401, 'expired');
  t.equal(await as('GET', await sign({ scope: 'read' }, { expires: 'never' })), 401, 'without an end');
  t.equal(await as('GET', await sign({ scope: 'read' }, { audience: 'others' })), 401, 'for others');
  t.equal(await as('GET', await sign({ scope: 'read' }, { issuedBy: 'them' })), 401, 'by others');
  t.equal(await as('GET', `${read.slice(0, -4)}AAAA`), 401, 'changed');
  const unsigned = [{ alg: 'none' }, { scope: 'write', iss: 'us', aud: 'rendition', exp: 9_999_999_999 }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  t.equal(await as('GET', `${unsigned}.`), 401, 'not signed');
  t.equal(await as('POST', 'w-secret'), 201, 'static tokens beside');
  state.down = true;
  const other = await startServer(env);
  t.teardown(() => other.close());
  const down = await call(other, 'GET', '/api/images', undefined, bearer(read));
  t.match(down, { status: 503, body: { code: 'keys_unavailable' } });
});

t.test('limits the calls of each caller', async (t) => {
  const server = await startServer({ API_TOKENS: TOKENS, API_RATE_PER_MINUTE: '3' });
  t.teardown(() => server.close());
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) {
    statuses.push((await call(server, 'GET', '/api/images', undefined, bearer('w-secret'))).status);
  }
  t.same(statuses, [200, 200, 200, 429]);
  const refused = await call(server, 'GET', '/api/collections', undefined, bearer('w-secret'));
  t.match(refused, { status: 429, body: { code: 'rate_limited' } });
  t.match(refused.headers.get('retry-after'), /^\d+$/);
  t.equal(
    (await call(server, 'GET', '/api/images', undefined, bearer('r-secret'))).status,
    200,
    'others go on',
  );
  t.equal((await server.get('/img/none?w=5')).status, 404, 'pictures are not counted');
});

t.test('refuses tokens that are written wrong when it starts', async (t) => {
  for (const wrong of [
    'ci',
    'ci=write',
    'ci=admin:00',
    `ci=write:${hash('x').slice(1)}`,
    `=write:${hash('x')}`,
  ]) {
    await t.rejects(
      startServer({ API_TOKENS: wrong }),
      { message: /API_TOKENS="\*\*\*": expected name=scope/ },
      wrong,
    );
  }
});

t.test('tells clients behind known proxies apart, and believes nobody else', async (t) => {
  const behind = await startServer({ API_RATE_PER_MINUTE: '1', PROXY_HOPS: '2', API_TOKENS });
  t.teardown(() => behind.close());
  const from = (server: typeof behind, chain: string) =>
    call(server, 'POST', '/api/uploads/x', form([['policy', 'none']]), { 'x-forwarded-for': chain });
  t.equal((await from(behind, '198.51.100.1, 203.0.113.9')).status, 400);
  t.equal((await from(behind, '198.51.100.2, 203.0.113.9')).status, 400, 'another client, the same edge');
  t.equal((await from(behind, '198.51.100.2, 203.0.113.9')).status, 429);
  t.equal(
    (await from(behind, '192.0.2.77, 198.51.100.2, 203.0.113.9')).status,
    429,
    'what a client claims is not believed',
  );
  const open = await startServer({ API_RATE_PER_MINUTE: '1' });
  t.teardown(() => open.close());
  t.equal((await from(open, '198.51.100.1')).status, 400);
  t.equal((await from(open, '198.51.100.2')).status, 429, 'without proxies the header is nothing');
});
