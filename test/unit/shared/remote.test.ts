import { createServer } from 'node:http';
import { createServer as createRawServer, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import t, { type Test } from 'tap';
import { isProblem } from '../../../server/shared/errors.ts';
import { HostPace } from '../../../server/shared/host-pace.ts';
import { checkWebhook, isPublicAddress, isReachableAddress, post } from '../../../server/shared/outbound.ts';
import { Remote, type RemoteRequest } from '../../../server/shared/remote.ts';
import { isAllowedUrl, type RemoteHost, readRemoteHost } from '../../../server/shared/remote-hosts.ts';
import { addressOf } from '../../support/ports.ts';
import { seeded } from '../../support/seeded.ts';

/** Blocks that anybody may be in, though they are special: AS112 (RFC 7534) and AMT (RFC 7450). */
const PUBLIC_RANGES = ['unicast', 'as112', 'amt'];

t.test('what is public to us is public to ipaddr.js, over addresses at and around every boundary', (t) => {
  const random = seeded(1);
  const byte = () => Math.floor(random() * 256);
  const edges = [0, 10, 100, 127, 169, 172, 192, 198, 203, 223, 224, 255];
  const seconds = [0, 16, 31, 32, 63, 64, 88, 127, 128, 168, 254, 255, 18, 19, 20, 51];
  const fours = edges.flatMap((first) => seconds.map((second) => `${first}.${second}.${byte()}.${byte()}`));
  for (let n = 0; n < 3000; n++) fours.push([byte(), byte(), byte(), byte()].join('.'));
  for (const text of fours)
    if (isPublicAddress(text) !== PUBLIC_RANGES.includes(ipaddr.IPv4.parse(text).range()))
      t.fail(`${text} is ${ipaddr.IPv4.parse(text).range()}`);
  t.notOk(isPublicAddress('168.63.129.16'), 'of Azure alone, whatever the registries say');
  const group = () => Math.floor(random() * 65_536).toString(16);
  const heads = [
    '2001:0',
    '2001:db8',
    '2002:a00',
    '64:ff9b',
    'fe80:0',
    'fc00:0',
    'fd00:ec2',
    'ff02:0',
    '0:0',
    '3fff:0',
    '2a00:1450',
  ];
  const sixes = heads.map((head) => `${head}:${Array.from({ length: 6 }, group).join(':')}`);
  for (let n = 0; n < 3000; n++) sixes.push(Array.from({ length: 8 }, group).join(':'));
  sixes.push('::1', '::', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::10.0.0.1');
  for (const text of sixes)
    if (isPublicAddress(text) && !PUBLIC_RANGES.includes(ipaddr.IPv6.parse(text).range()))
      t.fail(`${text} is ${ipaddr.IPv6.parse(text).range()}`);
  t.ok(isPublicAddress('2606:4700::1111'));
  t.end();
});

t.test('addresses at which clouds hand out keys are never called', (t) => {
  const metadata = [
    '169.254.169.254',
    '169.254.170.2',
    '::ffff:169.254.169.254',
    'fe80::a9fe:a9fe',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    '168.63.129.16',
    '192.0.0.192',
    '100.100.100.200',
  ];
  const allowPrivate = { allowPrivate: true };
  for (const address of metadata) {
    t.notOk(isReachableAddress(address, allowPrivate), address);
    const url = `http://${isIP(address) === 6 ? `[${address}]` : address}/`;
    t.throws(() => checkWebhook(url, allowPrivate), { code: 'invalid_parameter' }, 'nor by a webhook');
  }
  // Each of IPv4 in each form of IPv6 that carries it, made by another reader of addresses.
  const carriers = ['::', '::ffff:', '::ffff:0:', '64:ff9b::', '64:ff9b:1::', '64:ff9b:1:5::', '2002:'];
  for (const address of metadata.filter((text) => ipaddr.IPv4.isValid(text)))
    for (const carrier of carriers) {
      const groups = ipaddr.IPv4.parse(address).toIPv4MappedAddress().parts.slice(6);
      const [high, low] = groups.map((part) => part.toString(16));
      const text = carrier === '2002:' ? `2002:${high}:${low}::` : `${carrier}${high}:${low}`;
      t.ok(ipaddr.IPv6.isValid(text), text);
      for (const rule of [allowPrivate, { allowPrivate: false }])
        t.notOk(isReachableAddress(text, rule), `${text} leads to ${address}`);
    }
  for (const address of ['127.0.0.1', '::1', '::ffff:10.0.0.1', '10.0.0.1', 'fd00::1', '8.8.8.8']) {
    t.ok(isReachableAddress(address, { allowPrivate: true }), address);
    t.equal(isReachableAddress(address, { allowPrivate: false }), address === '8.8.8.8');
  }
  t.end();
});

t.test('that nothing has changed is taken from those alone who were asked', async (t) => {
  const server = createServer((_request, response) => void response.writeHead(304).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close().closeAllConnections());
  const remote = new Remote({ allows: () => true, allowPrivate: true, maxSeconds: 30 });
  const url = `http://127.0.0.1:${addressOf(server).port}/`;
  const { signal } = new AbortController();
  await t.rejects(remote.get(url, {}, signal), { code: 'source_refused', message: /answers 304/ });
  t.match(await remote.get(url, { etag: '"a"' }, signal), { isUnchanged: true });
  t.match(await remote.get(url, { lastModified: 'x' }, signal), { isUnchanged: true });
});

/** A server that answers each path with these bytes, and notes what it was asked. */
async function rawServer(t: Test, answers: Readonly<Record<string, Buffer>>) {
  const heads: string[] = [];
  const server = createRawServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      const head = bytes.toString('latin1');
      heads.push(head);
      socket.end(answers[head.split(' ')[1] ?? ''] ?? 'HTTP/1.1 404 Not Found\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const remote = new Remote({ allows: () => true, allowPrivate: true, maxSeconds: 30 });
  const base = `http://127.0.0.1:${addressOf(server).port}`;
  const get = (path: string, request: RemoteRequest = {}) =>
    remote.get(base + path, request, new AbortController().signal);
  return { base, get, heads };
}

const withHeader = (line: string, encoding: BufferEncoding = 'latin1', status = '200 OK') =>
  Buffer.from(`HTTP/1.1 ${status}\r\n${line}\r\nContent-Length: 0\r\n\r\n`, encoding);

t.test('a redirect whose address is not percent-encoded leads where it leads a browser', async (t) => {
  const found = '302 Found';
  const { base, get } = await rawServer(t, {
    '/utf8': withHeader('Location: /bücher/写真 🦊.jpg', 'utf8', found),
    '/latin1': withHeader('Location: /caf\u00e9.jpg', 'latin1', found),
    '/plain': withHeader('Location: /b%C3%BCcher', 'utf8', found),
    '/b%C3%BCcher/%E5%86%99%E7%9C%9F%20%F0%9F%A6%8A.jpg': withHeader('X: y'),
    '/caf%C3%A9.jpg': withHeader('X: y'),
    '/b%C3%BCcher': withHeader('X: y'),
  });
  t.equal((await get('/utf8')).url, `${base}/b%C3%BCcher/%E5%86%99%E7%9C%9F%20%F0%9F%A6%8A.jpg`);
  t.equal((await get('/latin1')).url, `${base}/caf%C3%A9.jpg`, 'bytes that are no UTF-8 are characters');
  t.equal((await get('/plain')).url, `${base}/b%C3%BCcher`);
});

t.test('that nothing was compressed may be said in any case, or with nothing', async (t) => {
  const plain = ['identity', 'Identity', 'IDENTITY', '', ' ', 'identity, identity', ','];
  const packed = ['gzip', 'GZIP', 'identity, br', 'x'];
  const paths = [...plain, ...packed].map((text, n) => [`/${n}`, text] as const);
  const { get } = await rawServer(
    t,
    Object.fromEntries(paths.map(([path, text]) => [path, withHeader(`Content-Encoding: ${text}`)])),
  );
  for (const [path, text] of paths) {
    if (plain.includes(text)) t.match(await get(path), { isUnchanged: false }, `"${text}"`);
    else await t.rejects(get(path), { code: 'source_refused', message: `(${text})` }, `"${text}"`);
  }
});

t.test('validators that are empty or longer than servers read are none', async (t) => {
  const [longest, long] = [1024, 1025].map((length) => `"${'e'.repeat(length - 2)}"`);
  const { get, heads } = await rawServer(t, {
    '/longest': withHeader(`ETag: ${longest}`),
    '/long': withHeader(`ETag: ${long}\r\nLast-Modified: ${'x'.repeat(1025)}`),
    '/empty': withHeader('ETag: \r\nLast-Modified: '),
    '/weak': withHeader('ETag: W/"a"\r\nLast-Modified: then'),
  });
  t.match(await get('/longest'), { etag: longest, lastModified: undefined });
  t.match(await get('/long'), { etag: undefined, lastModified: undefined });
  t.match(await get('/empty'), { etag: undefined, lastModified: undefined });
  t.match(await get('/weak'), { etag: 'W/"a"', lastModified: 'then' });
  // As they were kept before there was such a limit.
  await get('/weak', { etag: long, lastModified: '' });
  t.notMatch(heads.at(-1), /if-none-match|if-modified-since/i);
});

t.test('whatever ends a request ends the wait for its answer, of pictures and of webhooks', async (t) => {
  // What is written before the connection is closed, and what the two come to.
  const endings: Readonly<Record<string, readonly [code: string, webhook: number | RegExp]>> = {
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n': ['source_refused', 101],
    'HTTP/1.1 101 Switching Protocols\r\n\r\n': ['source_refused', 101],
    'HTTP/1.1 100 Continue\r\n\r\n': ['source_error', /socket hang up/],
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n': ['source_error', /socket hang up/],
    'HTTP/1.1 204 No Content\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n': ['source_refused', 204],
    'HTTP/1.1 2': ['source_error', /socket hang up/],
    'SSH-2.0-x\r\n': ['source_error', /Parse Error/],
    '': ['source_error', /socket hang up/],
  };
  for (const isClosed of [true, false])
    for (const [text, [code, webhook]] of Object.entries(endings)) {
      // Who has said nothing that ends it, and holds the connection, is waited for.
      if (!isClosed && typeof webhook !== 'number') continue;
      const server = createRawServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => (isClosed ? socket.end(text) : socket.write(text)));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.teardown(() => server.close());
      const url = `http://127.0.0.1:${addressOf(server).port}/`;
      const remote = new Remote({ allows: () => true, allowPrivate: true, maxSeconds: 300 });
      await t.rejects(remote.get(url, {}, new AbortController().signal), { code }, text);
      const call = post(url, '{}', {}, { allowPrivate: true });
      if (typeof webhook === 'number') t.equal(await call, webhook, text);
      else await t.rejects(call, webhook, text);
    }
});

t.test('how long a server wants to be left alone, in seconds or as a date by its own clock', async (t) => {
  const said: Record<string, string> = {};
  const server = createServer((_request, response) => {
    response.sendDate = false;
    response.writeHead(503, said).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close().closeAllConnections());
  const remote = new Remote({ allows: () => true, allowPrivate: true, maxSeconds: 30 });
  const url = `http://127.0.0.1:${addressOf(server).port}/`;
  const secondsOf = async (text: string, date: string) => {
    Object.assign(said, { 'Retry-After': text, Date: date });
    const error = await remote.get(url, {}, new AbortController().signal).catch((thrown: unknown) => thrown);
    t.match(error, { code: 'source_error' });
    return isProblem(error) ? error.facts.retryAfterSeconds : undefined;
  };
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
  t.same(
    await inTurn(
      [
        '120',
        '0.5',
        '0',
        '-3',
        'soon',
        '',
        'Sun, 06 Nov 1994 08:51:37 GMT',
        'Sun Nov  6 08:50:37 1994',
        date,
      ],
      (text) => secondsOf(text, date),
    ),
    [120, 1, undefined, undefined, undefined, undefined, 120, 60, undefined],
  );
  t.ok(
    Number(await secondsOf('Fri, 31 Dec 2100 23:59:59 GMT', '')) > 1_000_000_000,
    'by ours, where it tells none',
  );
});

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

t.test('hosts as IMPORT_HOSTS has them, and the addresses that each allows', (t) => {
  const urls = [
    'https://a.example/x',
    'http://a.example/x',
    'https://a.example:8443/x',
    'https://b.a.example/x',
    'https://a.example.evil.test/',
    'https://aa.example/',
    'https://[2001:db8::1]/',
  ];
  const allowed: Readonly<Record<string, readonly number[]>> = {
    'a.example': [0],
    'A.Example': [0],
    'http://a.example': [0, 1],
    'https://a.example:8443': [2],
    '*.a.example': [3],
    '*': [0, 3, 4, 5, 6],
    '[2001:db8::1]': [6],
  };
  for (const [text, indices] of Object.entries(allowed)) {
    const host = readRemoteHost(text);
    t.same(
      urls.filter((url) => host && isAllowedUrl(new URL(url), [host])),
      indices.map((index) => urls[index]),
      text,
    );
  }
  for (const text of [
    '',
    'a.example/x',
    'a*.example',
    '*.*',
    '**',
    'ftp://a',
    'a b',
    'name@a.example',
    '*.10.0.0.1',
    'a:99999',
    'a:b',
  ])
    t.equal(readRemoteHost(text), undefined, text);
  t.end();
});

const all: readonly RemoteHost[] = [{ name: '*', port: '', allowsHttp: true }];

t.test(
  'a name or an address of this machine is refused where the connection is made, however it is written',
  async (t) => {
    let calls = 0;
    const server = createServer((_request, response) => void response.end(String(calls++)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const { port } = addressOf(server);
    const hosts = all.map((host) => ({ ...host, port: String(port) }));
    const remote = new Remote({
      allows: (url) => isAllowedUrl(url, hosts),
      allowPrivate: false,
      maxSeconds: 30,
    });
    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '017700000001',
      '[::1]',
      '[::ffff:7f00:1]',
      '0.0.0.0',
    ]) {
      const error = await remote
        .get(`http://${host}:${port}/`, {}, new AbortController().signal)
        .catch((error: unknown) => error);
      t.ok(isProblem(error), host);
      t.match(error, { code: 'source_refused' }, host);
    }
    t.equal(calls, 0);
  },
);

t.test('credentials go to the origin of the address, and to nobody whom that redirects to', async (t) => {
  const seen: (string | undefined)[] = [];
  const servers = [0, 1].map(() =>
    createServer(({ headers, url }, response) => {
      seen.push(headers.authorization);
      if (url === '/own') return void response.writeHead(302, { location: '/other' }).end();
      if (url === '/other')
        return void response.writeHead(302, { location: `http://localhost:${ports[1]}/end` }).end();
      response.writeHead(200).end('x');
    }),
  );
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    ports.push(addressOf(server).port);
  }
  const remote = new Remote({ allows: () => true, allowPrivate: true, maxSeconds: 30 });
  const request = { credentials: { Authorization: 'Bearer x' } };
  const { body } = await remote.get(
    `http://127.0.0.1:${ports[0]}/own`,
    request,
    new AbortController().signal,
  );
  for await (const chunk of body) t.same(Buffer.from(chunk).toString(), 'x');
  t.same(seen, ['Bearer x', 'Bearer x', undefined]);
});

t.test('a host is asked in bursts of ten and then at its pace, whoever waits', (t) => {
  let now = 1_000_000;
  const pace = new HostPace({ perMinute: 60, atOnce: 100, inAll: 100, now: () => now });
  const waits = Array.from({ length: 13 }, () => pace.enter('a', false));
  t.same(waits, [...Array.from({ length: 10 }, () => 0), 1000, 2000, 3000]);
  t.equal(pace.enter('b', false), 0, 'another host has a pace of its own');
  now += 3000;
  t.same(
    [pace.enter('a', true), pace.enter('a', true), pace.enter('a', true)],
    [0, 0, 0],
    'who has waited is let in',
  );
  t.ok(pace.enter('a', false) > 0);
  const few = new HostPace({ perMinute: 0, atOnce: 2, inAll: 3, now: () => now });
  t.same(
    ['a', 'a', 'a', 'b', 'b'].map((host) => few.enter(host, false) > 0),
    [false, false, true, false, true],
  );
  few.leave('a');
  t.same([few.enter('b', false), few.enter('b', false) > 0], [0, true]);
  t.end();
});
