import { once } from 'node:events';
import { createServer } from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';
import t from 'tap';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { identity } from '../support/emulators.ts';
import { addressOf } from '../support/ports.ts';
import { png, rejection } from './suite.ts';

t.test('a refusal that lasts does not say that the same may work in a moment', async (t) => {
  let answer = { status: 500, code: '' };
  const server = createServer((request, response) => {
    request.resume();
    const body =
      request.method === 'HEAD' ? '' : `<Error><Code>${answer.code}</Code><Message>no</Message></Error>`;
    response.writeHead(answer.status, { 'content-type': 'application/xml' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const endpoint = `http://127.0.0.1:${addressOf(server).port}`;
  const client = new S3Client({ ...identity, endpoint, forcePathStyle: true, maxAttempts: 1 });
  t.teardown(() => client.destroy());
  const objects = new S3Objects(client, 'originals');
  const calls = {
    put: () => objects.put('a', Buffer.from('x'), png),
    'put, if absent': () => objects.put('a', Buffer.from('x'), { ...png, ifAbsent: true }),
    get: () => objects.get('a'),
    remove: () => objects.remove(['a']),
    list: () => objects.list({ prefix: '', limit: 1 }),
  };
  for (const [status, code, refused] of [
    [403, 'AccessDenied', true],
    [403, 'InvalidAccessKeyId', true],
    [405, 'MethodNotAllowed', true],
    [501, 'NotImplemented', true],
    [403, 'RequestTimeTooSkewed', false],
    [500, 'InternalError', false],
    [503, 'SlowDown', false],
  ] as const) {
    answer = { status, code };
    for (const [name, call] of Object.entries(calls)) {
      const error = await rejection(call());
      const wanted = refused
        ? { code: 'store_refused', status: 500, facts: { retryAfterSeconds: undefined } }
        : { code: 'store_unavailable', status: 503, facts: { retryAfterSeconds: Number } };
      t.match(error, wanted, `${name}: ${code}`);
      t.equal(/may work/.test(String(error)), !refused, `${name}: ${code} in words`);
    }
  }
});
