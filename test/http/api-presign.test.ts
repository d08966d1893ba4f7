import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { S3Client as Client, type S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import t from 'tap';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { call, form, jobsOf, keysOf, noise } from '../support/api.ts';
import { identity } from '../support/emulators.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { addressOf } from '../support/ports.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

interface Presigned {
  id: string;
  url: string;
  fields: Record<string, string>;
  expires: string;
  statusUrl: string;
}

let server: TestServer;
let folder: string;
t.before(async () => {
  folder = await temporaryFolder();
  server = await startServer({ API_TOKENS: '', DATA_DIR: folder });
});
t.teardown(async () => {
  await server.close();
  await removeFolder(folder);
});

async function presign(size: number, more: object = {}, position = server) {
  const body = { filename: 'shoe.jpg', contentType: 'image/jpeg', size, ...more };
  return call<Presigned>(position, 'POST', '/api/images/presign', body);
}

async function post({ url, fields }: Presigned, file: Uint8Array, changed: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    body: form([...Object.entries({ ...fields, ...changed }), ['file', file]]),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
}

/** What the warmer does with an `objects` job. */
async function deliver(place = server) {
  for (const job of await jobsOf(place)) {
    if (job['kind'] !== 'objects' || !Array.isArray(job['events'])) continue;
    for (const { id } of job['events']) await place.composed.management?.reconciler.reconcile(id);
  }
}

t.test('a presigned form is posted by a browser, and the event completes the record and warms', async (t) => {
  const file = await noise(60, 40);
  const { status, body } = await presign(file.length, { variants: ['w=20&fmt=webp'] });
  t.equal(status, 200);
  t.ok(Date.parse(body.expires) > Date.now());
  const announced = await call(server, 'GET', `/api/images/${body.id}/status`);
  t.match(announced.body, {
    status: 'uploading',
    variants: [{ variant: 'fmt=webp&w=20', status: 'queued' }],
  });
  t.same(await post(body, file), { status: 204, body: {} });
  await deliver();
  await deliver();
  const record = await call(server, 'GET', `/api/images/${body.id}`);
  t.match(record.body, {
    status: 'processing',
    title: 'shoe.jpg',
    original: { width: 60, height: 40 },
    variants: [{ variant: 'fmt=webp&w=20', status: 'queued' }],
  });
  t.match(await post(body, file), { status: 204 }, 'the same once more is the same answer');
  const other = Buffer.from(file);
  other.writeUInt8(other.readUInt8(400) ^ 1, 400);
  t.match(await post(body, other), { status: 409 }, 'and no other bytes');
  await deliver();
  t.equal((await call(server, 'GET', `/api/images/${body.id}`)).body['version'], record.body['version']);
});

t.test('the form is held to its size, type, key and time', async (t) => {
  const file = await noise(60, 40);
  const { body } = await presign(file.length);
  const other = (await presign(file.length)).body;
  for (const [changed, bytes, expected] of [
    [{}, Buffer.concat([file, file]), { status: 413, body: { code: 'upload_too_large' } }],
    [
      {},
      file.subarray(0, 500),
      { status: 400, body: { received: '500 bytes', allowed: `${file.length} bytes` } },
    ],
    [
      {},
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      { status: 415, body: { received: 'image/svg+xml' } },
    ],
    [{ key: other.id }, file, { status: 403, body: { code: 'not_allowed', param: 'key' } }],
    [{ 'Content-Type': 'image/png' }, file, { status: 403, body: { param: 'Content-Type' } }],
    [{ policy: other.fields['policy'] ?? '' }, file, { status: 403, body: { code: 'bad_signature' } }],
    [{ signature: '' }, file, { status: 403, body: { code: 'bad_signature' } }],
    [
      { policy: other.fields['policy'] ?? '', signature: other.fields['signature'] ?? '' },
      file,
      { status: 403 },
    ],
  ] as const) {
    t.match(await post(body, bytes, changed), expected);
  }
  t.notOk((await keysOf(server.stores.originals)).includes(body.id), 'nothing was stored');
  const past = server.composed.deps;
  t.ok(past);
  t.match(await presign(60_000_000), { status: 413 });
  t.match(await presign(100, { contentType: 'image/bmp' }), { status: 415 });
  t.match(await presign(100, { id: body.id }), { status: 409 });
  t.match(await presign(100, { id: '../a' }), { status: 400 });
});

t.test('bytes that turn out to be no image fail their record, and do not stay', async (t) => {
  const broken = (await noise(60, 40)).subarray(0, 300);
  const { body } = await presign(broken.length);
  t.equal((await post(body, broken)).status, 204);
  await deliver();
  const { body: status } = await call(server, 'GET', `/api/images/${body.id}/status`);
  t.match(status, { status: 'failed', error: /damaged/ });
  t.notOk((await keysOf(server.stores.originals)).includes(body.id));
});

t.test('of bytes that are refused the variants fail too, and those who listen are told', async (t) => {
  const told: string[] = [];
  const sns = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    told.push(new URLSearchParams(body).get('Message') ?? '');
    response.end('<x/>');
  });
  await new Promise<void>((resolve) => sns.listen(0, '127.0.0.1', resolve));
  t.teardown(() => sns.close());
  const endpoint = `http://127.0.0.1:${addressOf(sns).port}`;
  const client = new SNSClient({ ...identity, endpoint, maxAttempts: 1 });
  const arn = 'arn:aws:sns:us-east-1:000000000000:finished';
  const own = await startServer({ API_TOKENS: '' }, { topic: { client, arn } });
  t.teardown(() => own.close());
  const broken = (await noise(60, 40)).subarray(0, 300);
  const variants = ['w=20&fmt=webp', 'w=30&fmt=webp'];
  const { body } = await presign(broken.length, { variants }, own);
  t.equal((await post(body, broken)).status, 204);
  await deliver(own);
  const status = await call(own, 'GET', `/api/images/${body.id}/status?wait=5`);
  const failed = { status: 'failed', error: /damaged/ };
  t.match(status.body, { ...failed, variants: [failed, failed] });
  const message = { kind: 'notify', id: body.id, channel: 'topic', message: /^msg_/ } as const;
  t.match(await jobsOf(own), [message]);
  await own.composed.management?.notifier.deliver({ ...message, message: 'msg_1' });
  t.equal(told.length, 1);
  t.match(JSON.parse(told[0] ?? '{}'), { data: { id: body.id, ...failed, variants: [failed, failed] } });
});

/** Posts a form of which the second half waits for `finish`. */
function postInHalves({ url, fields }: Presigned, file: Uint8Array) {
  const part = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const head = Object.entries(fields).map(([name, value]) => part(name, value));
  const opening = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const sent = request(url, { method: 'POST', headers });
  const status = once(sent, 'response').then(([response]) => {
    response.resume();
    return Number(response.statusCode);
  });
  sent.write(head.join('') + opening);
  sent.write(file.subarray(0, file.length / 2));
  const finish = () => {
    sent.write(file.subarray(file.length / 2));
    sent.end('\r\n--b--\r\n');
    return status;
  };
  return { finish };
}

/** The bytes of a form under way lie aside. */
async function underWay() {
  const { management } = server.composed;
  await waitFor(() => (management?.uploads.inFlight ?? 0) > 0);
  await waitFor(async () => (await readdir(join(folder, 'originals', '.tmp'))).length > 0);
}

t.test('what is deleted while its form is being posted stays deleted', async (t) => {
  const file = await noise(600, 400);
  const { body } = await presign(file.length, { id: 'deleted/a.jpg', variants: ['w=20&fmt=webp'] });
  const { finish } = postInHalves(body, file);
  await underWay();
  t.match(await call(server, 'DELETE', `/api/images/${body.id}`), { status: 204 });
  t.equal(await finish(), 409);
  await deliver();
  t.match(await call(server, 'GET', `/api/images/${body.id}`), { status: 404 });
  t.notOk(await server.stores.originals.head(body.id));
});

t.test('a form of before the delete does not fill one that was announced after it', async (t) => {
  const file = await noise(600, 400);
  const first = (await presign(file.length, { id: 'deleted/b.jpg' })).body;
  const { finish } = postInHalves(first, file);
  await underWay();
  await call(server, 'DELETE', `/api/images/${first.id}`);
  const other = await noise(60, 40, 3);
  const second = (await presign(other.length, { id: first.id })).body;
  t.equal(await finish(), 409);
  t.match(await post(second, other), { status: 204 });
  await deliver();
  t.match(await call(server, 'GET', `/api/images/${first.id}`), { body: { original: { width: 60 } } });
});

t.test('a form that is posted between the two steps of a delete is deleted too', async (t) => {
  const file = await noise(600, 400);
  const { body } = await presign(file.length, { id: 'deleted/c.jpg' });
  const { finish } = postInHalves(body, file);
  await underWay();
  const { originals } = server.stores;
  const remove = originals.remove.bind(originals);
  t.teardown(() => {
    originals.remove = remove;
  });
  originals.remove = async (keys) => {
    originals.remove = remove;
    await remove(keys);
    t.equal(await finish(), 409, 'its record is a tombstone by then');
  };
  t.match(await call(server, 'DELETE', `/api/images/${body.id}`), { status: 204 });
  await deliver();
  t.match(await call(server, 'GET', `/api/images/${body.id}`), { status: 404 });
  t.notOk(await originals.head(body.id));
});

t.test('on S3 the form carries the same conditions', async (t) => {
  const client: S3Client = new Client({ ...identity, endpoint: 'http://127.0.0.1:9', forcePathStyle: true });
  const policy = { key: 'a/b.jpg', contentType: 'image/jpeg', size: 100, seconds: 60 };
  const { url, fields } = await new S3Objects(client, 'originals').form(policy);
  t.equal(url, 'http://127.0.0.1:9/originals');
  const { conditions } = JSON.parse(Buffer.from(fields['Policy'] ?? '', 'base64').toString());
  const texts = conditions.map((condition: unknown) => JSON.stringify(condition));
  for (const wanted of [
    '["content-length-range",100,100]',
    '["eq","$Content-Type","image/jpeg"]',
    '{"key":"a/b.jpg"}',
  ]) {
    t.ok(texts.includes(wanted), wanted);
  }
});
