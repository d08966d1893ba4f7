import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { SNSClient } from '@aws-sdk/client-sns';
import pino from 'pino';
import t, { type Test } from 'tap';
import { Notifier } from '../../server/notify.ts';
import { checkWebhook, isPublicAddress, post } from '../../server/outbound.ts';
import type { ImageRecord } from '../../server/stores/contracts.ts';
import { Urls } from '../../server/urls.ts';
import { call, form, noise } from '../support/api.ts';
import { identity } from '../support/emulators.ts';
import { startServer } from '../support/server.ts';

const SECRET = 'a-secret';

/** A server that remembers what it was sent and answers with the next of `statuses`, then 200. */
async function receiver(t: Test, statuses: number[] = []) {
  const calls: { body: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    calls.push({ body, headers: request.headers });
    response.writeHead(statuses.shift() ?? 200, { location: 'http://127.0.0.1:1/' }).end('<x/>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return { calls, url: `http://127.0.0.1:${port}/hook` };
}

function record(webhook?: string): ImageRecord {
  const times = { createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z' };
  return {
    id: 'a/b.jpg',
    status: 'completed',
    version: 'v',
    revision: 3,
    ...times,
    ...(webhook ? { webhook } : {}),
  };
}

const variant = {
  id: 'a/b.jpg',
  variant: 'w=20',
  status: 'ready',
  version: 'v',
  attempts: 1,
  queuedAt: '',
  updatedAt: '',
} as const;

function notifier(extra: Partial<ConstructorParameters<typeof Notifier>[0]> = {}) {
  const urls = new Urls({ publicUrl: 'https://img.example.com', signatures: 'off', signingKeys: {} });
  const log = pino({ level: 'silent' });
  const now = () => 1_700_000_000.7;
  return new Notifier({
    urls,
    webhookSecret: SECRET,
    allowPrivate: true,
    log,
    now,
    retryMs: [5, 5],
    ...extra,
  });
}

t.test('calls the webhook of a finished image, signed, again until it is taken', async (t) => {
  const { url, calls } = await receiver(t, [500, 302]);
  const sender = notifier();
  sender.notifyFinished(record(url), [variant]);
  await sender.settle();
  t.equal(calls.length, 3, 'two refusals; a redirect is not followed');
  const { body = '', headers = {} } = calls[2] ?? {};
  t.match(JSON.parse(body), {
    event: 'image.finished',
    id: 'a/b.jpg',
    status: 'completed',
    variants: [{ variant: 'w=20', status: 'ready', url: 'https://img.example.com/img/a/b.jpg?w=20' }],
  });
  const digest = createHmac('sha256', SECRET).update(`1700000000.${body}`).digest('hex');
  t.equal(headers['x-rendition-signature'], `t=1700000000,v1=${digest}`);
});

t.test('gives up in the end, and at once when the process stops', async (t) => {
  const { url, calls } = await receiver(t, [500, 500, 500, 500]);
  const sender = notifier();
  sender.notifyFinished(record(url), []);
  await sender.settle();
  t.equal(calls.length, 3);
  const patient = notifier({ retryMs: [60_000] });
  patient.notifyFinished(record(url), []);
  const started = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await patient.stop();
  t.ok(Date.now() - started < 2000);
});

t.test('publishes to the topic', async (t) => {
  const { url, calls } = await receiver(t);
  const client = new SNSClient({ ...identity, endpoint: url, maxAttempts: 1 });
  const arn = 'arn:aws:sns:us-east-1:000000000000:finished';
  const sender = notifier({ topic: { client, arn } });
  sender.notifyFinished(record(), [variant]);
  await sender.settle();
  const sent = new URLSearchParams(calls[0]?.body);
  t.match(Object.fromEntries(sent), { Action: 'Publish', TopicArn: arn, Subject: 'completed: a/b.jpg' });
  t.match(JSON.parse(sent.get('Message') ?? ''), { event: 'image.finished', id: 'a/b.jpg' });
});

t.test('reaches nothing that is not public', async (t) => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.1.1',
    '172.20.0.1',
    '100.64.1.1',
    '0.0.0.0',
  ]) {
    t.notOk(isPublicAddress(address), address);
  }
  for (const address of [
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'ff02::1',
    '2001:db8::1',
    '3fff::1',
    '3fff:fff::1',
  ]) {
    t.notOk(isPublicAddress(address), address);
  }
  for (const address of ['93.184.216.34', '2606:2800:220:1::1', '3ffe::1'])
    t.ok(isPublicAddress(address), address);
  const refused = [
    'http://example.com',
    'https://127.0.0.1/x',
    'https://[::1]/',
    'https://2130706433/',
    'https://0x7f.1/',
  ];
  for (const url of [
    ...refused,
    'https://u:p@example.com',
    'ftp://example.com',
    'x',
    'https://10.0.0.1:443',
  ]) {
    t.throws(() => checkWebhook(url, { allowPrivate: false }), { code: 'invalid_parameter' }, url);
  }
  checkWebhook('https://hooks.example.com/x?y=1', { allowPrivate: false });
  await t.rejects(
    post('https://localhost:1/', '{}', {}, { allowPrivate: false }),
    /not a public host/,
    'by its address',
  );
});

t.test('an upload with a webhook but no variants is announced by the server itself', async (t) => {
  const { url, calls } = await receiver(t);
  const server = await startServer({ WEBHOOK_SECRET: SECRET, WEBHOOK_PRIVATE: '1' });
  t.teardown(() => server.close());
  const { body } = await call(
    server,
    'POST',
    '/api/images',
    form([
      ['file', await noise(9, 9)],
      ['webhook', url],
    ]),
  );
  await server.composed.management?.notifier.settle();
  t.match(JSON.parse(calls[0]?.body ?? '{}'), { id: body['id'], status: 'completed', variants: [] });
  const strict = await startServer({ WEBHOOK_SECRET: SECRET });
  t.teardown(() => strict.close());
  const refused = await call(
    strict,
    'POST',
    '/api/images',
    form([
      ['webhook', url],
      ['file', await noise(9, 9)],
    ]),
  );
  t.match(refused, { status: 400, body: { param: 'webhook' } });
});
