import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { addressOf, freePort } from '../support/ports.ts';
import { startServer } from '../support/server.ts';

interface Answer {
  status: number;
  body: Record<string, string>;
  headers: NodeJS.Dict<string | string[]>;
}

/** With headers exactly as they are given, which `fetch` does not send. */
async function ask(
  base: string,
  headers: Record<string, string>,
  [method = 'GET', path = '/api/images']: readonly string[] = [],
): Promise<Answer> {
  const { hostname, port } = new URL(base);
  const sent = httpRequest({ hostname, port, method, path, headers, agent: false });
  sent.end();
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, body: text ? JSON.parse(text) : {}, headers: response.headers };
}

/** What stands under /api/ and is answered without a token on this machine. */
const CALLS = [
  ['GET', '/api/images'],
  ['GET', '/api/presets'],
  ['GET', '/api/explain/a?w=1'],
  ['GET', '/api/images/a/status'],
  ['POST', '/api/images'],
  ['POST', '/api/images/a/purge'],
  ['DELETE', '/api/images/a'],
  ['POST', '/api/collections'],
];

t.test('programs and own pages of this machine use the open API', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const { port } = new URL(server.base);
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', 'LOCALHOST', 'app.localhost'])
    t.equal((await ask(server.base, { host: `${host}:${port}` })).status, 200, host);
  const host = `localhost:${port}`;
  t.equal(
    (await ask(server.base, { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).status,
    200,
  );
  t.equal(
    (await ask(server.base, { host, 'sec-fetch-site': 'none' })).status,
    200,
    'typed into the address bar',
  );
});

t.test('whatever says that it came from elsewhere is refused by every call, with the way out', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const host = new URL(server.base).host;
  const elsewhere: Record<string, string>[] = [
    { host: 'rebound.example.com' },
    { host: '127.0.0.1.example.com' },
    { host: 'localhost.example.com' },
    { host: '10.0.0.7' },
    { host: '[::2]' },
    { host: '0.0.0.0' },
    { host, forwarded: 'for=192.0.2.1' },
    { host, 'x-forwarded-for': '192.0.2.1' },
    { host, 'X-Forwarded-Proto': 'https' },
    { host, 'x-forwarded-prefix': '' },
    { host, 'x-real-ip': '192.0.2.1' },
    { host, via: '1.1 proxy' },
  ];
  for (const headers of elsewhere) {
    for (const call of CALLS) {
      const { status, body, headers: got } = await ask(server.base, headers, call);
      t.match(
        { status, body },
        { status: 403, body: { code: 'not_allowed', hint: /API_TOKENS.*localhost/ } },
        `${call} ${JSON.stringify(headers)}`,
      );
      t.equal(got['cache-control'], 'no-store');
    }
  }
  t.equal((await ask(server.base, { host: 'cdn.example.com' }, ['GET', '/healthz'])).status, 200);
  t.equal(
    (await ask(server.base, { host: 'cdn.example.com' }, ['GET', '/img/none'])).status,
    404,
    'pictures are for all',
  );
});

t.test('nothing that a foreign page sends is done', async (t) => {
  const server = await startServer({ CORS_ORIGINS: 'http://localhost:3000' });
  t.teardown(() => server.close());
  const host = new URL(server.base).host;
  const foreign: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'null' },
    { origin: 'https://evil.example.com' },
    { origin: `https://${host}` },
    { origin: `http://${host}0` },
    { origin: 'http://localhost:3001', 'sec-fetch-site': 'same-site' },
    { origin: 'http://localhost:3000.evil.example', 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of foreign) {
    for (const call of CALLS) {
      const { status, body } = await ask(server.base, { host, ...headers }, call);
      t.match(
        { status, body },
        { status: 403, body: { code: 'foreign_page' } },
        `${call} ${JSON.stringify(headers)}`,
      );
    }
  }
  const listed = { host, origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' };
  t.equal((await ask(server.base, listed)).status, 200, 'a page that CORS_ORIGINS names');
});

const [outside] = Object.values(networkInterfaces())
  .flat()
  .flatMap((address) => (address && !address.internal && address.family === 'IPv4' ? [address.address] : []));

t.test(
  'another machine is refused, whatever it calls itself',
  { skip: !outside && 'no other address here' },
  async (t) => {
    const server = await startServer();
    // The same server on the machine's own address: its callers come from there.
    const door = createServer((socket) => server.app.server.emit('connection', socket)).listen(0, '0.0.0.0');
    await once(door, 'listening');
    t.teardown(async () => {
      door.close();
      await server.close();
    });
    const base = `http://${outside}:${addressOf(door).port}`;
    for (const host of ['localhost', '127.0.0.1', String(outside)]) {
      const { status, body } = await ask(base, { host });
      t.match(
        { status, body },
        { status: 403, body: { code: 'not_allowed', detail: /another machine/ } },
        host,
      );
    }
  },
);

const noNginx = spawnSync('nginx', ['-v']).error ? 'nginx is not on this machine' : false;

/** As people write it: nothing said, headers as in most recipes, and HTTP/1.1 with the client's Host. */
const NGINX_LOCATIONS = {
  bare: '',
  recipe: 'proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
  real: 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Real-IP $remote_addr;',
  host: 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host images.example.com;',
};

t.test(
  'behind nginx on this machine the open API answers nobody, pictures everybody',
  { skip: noNginx },
  async (t) => {
    const server = await startServer();
    const folder = t.testdir();
    const port = await freePort();
    const locations = Object.entries(NGINX_LOCATIONS).map(
      ([name, lines]) => `location /${name}/ { proxy_pass ${server.base}/; ${lines} }`,
    );
    await mkdir(join(folder, 'logs'), { recursive: true });
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${folder}/${kind};`,
    );
    const config = `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; events {}
http { access_log off; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; ${locations.join('\n')} } }`;
    await writeFile(join(folder, 'nginx.conf'), config);
    const nginx = spawn('nginx', ['-e', `${folder}/error.log`, '-c', `${folder}/nginx.conf`], {
      stdio: 'inherit',
    });
    t.teardown(async () => {
      nginx.kill('SIGTERM');
      await server.close();
    });
    const base = `http://127.0.0.1:${port}`;
    let isUp = false;
    for (let tries = 0; tries < 600 && !isUp; tries += 1)
      isUp = await ask(base, {}, ['GET', '/bare/healthz']).then(
        ({ status }) => status === 200,
        () => new Promise((done) => setTimeout(() => done(false), 100)),
      );
    t.ok(isUp, 'nginx is up');
    for (const name of Object.keys(NGINX_LOCATIONS)) {
      const { status, body } = await ask(base, {}, ['GET', `/${name}/api/images`]);
      t.match({ status, body }, { status: 403, body: { code: 'not_allowed' } }, name);
      t.equal((await ask(base, {}, ['GET', `/${name}/img/none`])).status, 404, `${name}: pictures`);
    }
  },
);
