import { join } from 'node:path';
import { SNSClient } from '@aws-sdk/client-sns';
import pino from 'pino';
import { Webhook } from 'standardwebhooks';
import t, { type Test } from 'tap';
import { checkWebhook, isPublicAddress, isReachableHost, post } from '../../server/shared/outbound.ts';
import type { ImageRecord } from '../../server/stores/images.ts';
import { openSqlite } from '../../server/stores/sqlite/open.ts';
import { Later, type NotifyJob } from '../../server/warming/jobs.ts';
import { Notifier, RETRY_SECONDS } from '../../server/writing/notify.ts';
import { Urls } from '../../server/writing/urls.ts';
import { rejection } from '../contract/suite.ts';
import { call, form, noise } from '../support/api.ts';
import { rendition } from '../support/cli.ts';
import { identity } from '../support/emulators.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { receiver } from '../support/receiver.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { createWarmer } from '../support/warmer.ts';

const SECRET = `whsec_${Buffer.from('a secret of 32 bytes, as it may be').toString('base64')}`;
const OLD = 'some text of before';
const NOW = 1_700_000_000.7;
const ID = 'a/b.jpg';

async function notifier(t: Test, extra: Partial<ConstructorParameters<typeof Notifier>[0]> = {}) {
  const folder = await temporaryFolder();
  const { records, jobs, close } = openSqlite(join(folder, 'x.sqlite'), { maxReceives: 5 });
  t.teardown(async () => {
    close();
    await removeFolder(folder);
  });
  const lines: { msg?: string }[] = [];
  const notifier = new Notifier({
    urls: new Urls({ publicUrl: 'https://img.example.com', signatures: 'off', signingKeys: {}, presets: {} }),
    records,
    topic: undefined,
    webhookSecrets: [SECRET, OLD],
    allowPrivate: true,
    log: pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) }),
    now: () => NOW,
    lifetime: { epoch: '1', days: 0 },
    ...extra,
  });
  return { notifier, records, jobs, lines };
}

type Under = Awaited<ReturnType<typeof notifier>>;

/** An image that is finished, with one variant. */
async function finished({ records }: Pick<Under, 'records'>, webhook?: string): Promise<ImageRecord> {
  const image = { id: ID, status: 'completed', version: 'v', createdAt: '2026-01-01T00:00:00.000Z' } as const;
  await records.images.create({ ...image, ...(webhook ? { webhook } : {}) });
  await records.variants.queue(ID, 'v', ['w=20']);
  await records.variants.update(ID, 'w=20', 'v', ['queued'], { status: 'ready', bytes: 7 });
  const record = await records.images.get(ID);
  if (!record) throw new Error('no record');
  return record;
}

const job = (channel: 'topic' | 'webhook') =>
  ({ kind: 'notify', id: ID, channel, message: 'msg_1' }) as const;

t.test('calls the webhook of a finished image, signed, again until it is taken', async (t) => {
  const { url, calls } = await receiver(t, [500, 302]);
  const under = await notifier(t);
  await finished(under, url);
  let next: NotifyJob = job('webhook');
  for (const [tries, seconds] of [
    [1, 5],
    [2, 300],
  ] as const) {
    const error = await rejection(under.notifier.deliver(next));
    if (!(error instanceof Later)) throw error;
    next = JSON.parse(error.job.body);
    t.match(next, { ...job('webhook'), tries });
    t.ok((next.after ?? 0) >= NOW + seconds && (next.after ?? 0) <= NOW + seconds * 1.1 + 1, `${seconds} s`);
    const early = await rejection(under.notifier.deliver(next));
    t.match(early, { cause: undefined, job: { body: JSON.stringify(next) } }, 'not before its time');
    next = { ...next, after: NOW };
  }
  t.same(await under.notifier.deliver(next), { delivered: true });
  t.equal(calls.length, 3, 'two refusals; a redirect is not followed');
  const ids = calls.map(({ headers }) => headers['webhook-id']);
  t.same(ids, ['msg_1', 'msg_1', 'msg_1'], 'one message, however often it is sent');
  t.match(JSON.parse(calls[2]?.body ?? ''), {
    type: 'image.finished',
    timestamp: new Date(NOW * 1000).toISOString(),
    data: {
      id: ID,
      status: 'completed',
      variants: [{ variant: 'w=20', status: 'ready', url: 'https://img.example.com/img/a/b.jpg?w=20' }],
    },
  });
});

t.test('a receiver checks a call with the package of the specification, by any of the keys', async (t) => {
  const { url, calls } = await receiver(t);
  const under = await notifier(t, { now: () => Date.now() / 1000 });
  await finished(under, url);
  await under.notifier.deliver(job('webhook'));
  const { body = '', headers = {} } = calls[0] ?? {};
  const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  for (const key of [SECRET, Buffer.from(OLD).toString('base64')]) {
    t.match(new Webhook(key).verify(body, texts), { type: 'image.finished', data: { id: ID } });
    t.throws(() => new Webhook(key).verify(`${body} `, texts), { name: 'WebhookVerificationError' });
  }
  const other = new Webhook(Buffer.from('another key').toString('base64'));
  t.throws(() => other.verify(body, texts), /No matching signature/);
});

t.test('gives up in the end, says so in log and record, and leaves a dead letter', async (t) => {
  const { url } = await receiver(t, [500]);
  const under = await notifier(t);
  await finished(under, url);
  const last = { ...job('webhook'), tries: 7 };
  t.match(await rejection(under.notifier.deliver(last)), /answered 500/);
  t.match(under.lines, [{ msg: 'notification given up', id: ID }]);
  t.match(await under.records.images.get(ID), { undelivered: 'webhook: the webhook answered 500' });
  t.same(await under.notifier.deliver(last), { delivered: true }, 'as a redrive does');
  t.notOk((await under.records.images.get(ID))?.undelivered);
});

t.test('tells of a refused upload with the variants that waited for it', async (t) => {
  const { url, calls } = await receiver(t);
  const { notifier: sender, records } = await notifier(t);
  const createdAt = '2026-01-01T00:00:00.000Z';
  await records.images.create({ id: ID, status: 'failed', error: 'no image', createdAt, webhook: url });
  await records.variants.queue(ID, 'awaited', ['w=20']);
  t.same(await sender.deliver(job('webhook')), { delivered: true });
  t.match(JSON.parse(calls[0]?.body ?? ''), {
    data: { status: 'failed', variants: [{ variant: 'w=20' }] },
  });
});

t.test('tells nothing of an image that is worked on again, or gone', async (t) => {
  const { url, calls } = await receiver(t);
  const under = await notifier(t);
  const { revision } = await finished(under, url);
  await under.records.images.update(ID, revision, { status: 'processing' });
  t.same(await under.notifier.deliver(job('webhook')), { delivered: false });
  await under.records.images.remove(ID);
  t.same(await under.notifier.deliver(job('webhook')), { delivered: false });
  t.same(calls, []);
});

t.test('publishes to the topic', async (t) => {
  const { url, calls } = await receiver(t);
  const client = new SNSClient({ ...identity, endpoint: url, maxAttempts: 1 });
  const arn = 'arn:aws:sns:us-east-1:000000000000:finished';
  const under = await notifier(t, { topic: { client, arn } });
  await finished(under);
  t.same(await under.notifier.deliver(job('topic')), { delivered: true });
  const sent = new URLSearchParams(calls[0]?.body);
  t.match(Object.fromEntries(sent), { Action: 'Publish', TopicArn: arn, Subject: 'completed: a/b.jpg' });
  t.match(JSON.parse(sent.get('Message') ?? ''), { type: 'image.finished', data: { id: 'a/b.jpg' } });
});

t.test('what the topic takes has an end: subject and message are cut where they are text', async (t) => {
  const { url, calls } = await receiver(t);
  const client = new SNSClient({ ...identity, endpoint: url, maxAttempts: 1 });
  const under = await notifier(t, { topic: { client, arn: 'arn:aws:sns:us-east-1:000000000000:finished' } });
  const forms = Array.from({ length: 120 }, (_, index) => `w=${index + 1}`);
  // The pair begins at and around the last character of the subject; the last id takes 2,070 in each address.
  const ids = [86, 87, 88, 89].map((length) => `${'a'.repeat(length)}😀.jpg`);
  for (const [index, id] of [...ids, '写'.repeat(230)].entries()) {
    const { records } = under;
    await records.images.create({
      id,
      status: 'completed',
      version: 'v',
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    await records.variants.queue(id, 'v', forms, Object.fromEntries(forms.map((form) => [form, [form]])));
    t.same(await under.notifier.deliver({ ...job('topic'), id }), { delivered: true }, id);
    const sent = new URLSearchParams(calls[index]?.body);
    const [subject = '', message = ''] = [sent.get('Subject'), sent.get('Message')].map((text) => text ?? '');
    t.ok(subject.length <= 100 && `completed: ${id}`.startsWith(subject) && subject.isWellFormed(), subject);
    t.ok(Buffer.byteLength(message) < 262_144, 'SNS takes no more');
    const { data } = JSON.parse(message);
    t.match(data, { id, total: 120, next: String });
    t.ok(data.variants.length > 0);
  }
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

t.test('an upload with a webhook but no variants is told of as well', async (t) => {
  const { url, calls } = await receiver(t);
  const env = { WEBHOOK_SECRET: SECRET, WEBHOOK_PRIVATE: '1' };
  const warmer = await createWarmer(env);
  t.teardown(() => warmer.close());
  const server = await startServer({ ...env, DATA_DIR: warmer.config.dataDir });
  t.teardown(() => server.close());
  const parts = [
    ['file', await noise(9, 9)],
    ['webhook', url],
  ] as const;
  const { body } = await call(server, 'POST', '/api/images', form(parts));
  await warmer.until(async () => calls.length > 0);
  t.match(JSON.parse(calls[0]?.body ?? '{}'), {
    data: { id: body['id'], status: 'completed', variants: [] },
  });
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

t.test('a name is public when all of its addresses are', async (t) => {
  const isPublicHost = (addresses: { address: string }[]) =>
    isReachableHost(addresses, { allowPrivate: false });
  const [open, inner] = [{ address: '93.184.216.34' }, { address: '169.254.169.254' }];
  t.ok(isPublicHost([open]));
  t.ok(isPublicHost([open, { address: '2606:2800:220:1::1' }]));
  for (const addresses of [[], [inner], [open, inner], [inner, open], [open, { address: '::1' }]])
    t.notOk(isPublicHost(addresses), JSON.stringify(addresses));
});

t.test('what was given up is seen in the API, and told again when somebody asks', async (t) => {
  const { url, calls } = await receiver(t, [500]);
  const folder = await temporaryFolder();
  const env = { DATA_DIR: folder, WEBHOOK_SECRET: SECRET, WEBHOOK_PRIVATE: '1' };
  const server = await startServer(env);
  const warmer = await createWarmer(env);
  t.teardown(async () => {
    await server.close();
    await warmer.close();
    await removeFolder(folder);
  });
  const { records, jobs } = server.stores;
  await finished({ records }, url);
  const last = { kind: 'notify', id: ID, channel: 'webhook', message: 'msg_1', tries: RETRY_SECONDS.length };
  await rejection(warmer.management.notifier.deliver({ ...last, kind: 'notify', channel: 'webhook' }));
  const path = `/api/images/${encodeURIComponent(ID)}`;
  t.match((await call(server, 'GET', path)).body, { undelivered: 'webhook: the webhook answered 500' });
  const { body } = await call<{ items: object[] }>(server, 'GET', '/api/images');
  t.match(body.items, [{ id: ID, undelivered: /500/ }]);
  t.match(await rendition(['redrive', ID, '--url', server.base]), { code: 0, stdout: /told again/ });
  await warmer.until(async () => calls.length >= 2 && (await jobs.depth()).ready === 0);
  await waitFor(async () => (await records.images.get(ID))?.undelivered === undefined);
  t.match((await call(server, 'GET', path)).body, { undelivered: null });

  await records.images.create({
    id: 'quiet',
    status: 'completed',
    version: 'v',
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  t.match(await call(server, 'POST', '/api/images/quiet/notifications'), {
    status: 409,
    body: { code: 'conflict' },
  });
  t.match(await call(server, 'POST', '/api/images/none/notifications'), { status: 404 });
  t.match(await rendition(['redrive', '--url', server.base]), { code: 2 });
});
