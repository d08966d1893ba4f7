import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { type SendMessageBatchCommandInput, SQSClient } from '@aws-sdk/client-sqs';
import t from 'tap';
import { S3Objects } from '../../server/stores/s3.ts';
import { SqsJobs } from '../../server/stores/sqs.ts';
import { identity, startStorage } from '../support/emulators.ts';
import { bytesOf, png, present, rejection } from './suite.ts';

// What AWS does and emulators do not, made to happen on the way to an emulator.
const storage = await startStorage();
t.teardown(() => storage.stop());

t.test('a connection that is cut in the middle of a body fails the read as store_unavailable', async (t) => {
  const proxy = await cuttingProxy(Number(new URL(storage.endpoint).port), 3_000_000);
  t.teardown(() => proxy.server.close());
  const s3 = new S3Client({ ...identity, endpoint: proxy.endpoint, forcePathStyle: true });
  t.teardown(() => s3.destroy());
  await new S3Objects(storage.s3, storage.results).put('big', randomBytes(8_000_000), png);
  const got = present(await new S3Objects(s3, storage.results).get('big'));
  const error = await rejection(bytesOf(got.body));
  t.match(error, { code: 'store_unavailable', cause: Error });
});

t.test('ifAbsent that meets another write looks whether the key is taken now', async (t) => {
  const s3 = new S3Client({ ...identity, endpoint: storage.endpoint, forcePathStyle: true });
  t.teardown(() => s3.destroy());
  s3.middlewareStack.add((next, context) => async (args) => {
    if (context.commandName !== 'PutObjectCommand') return next(args);
    throw named('ConditionalRequestConflict');
  });
  const objects = new S3Objects(s3, storage.results);
  const put = (key: string) => objects.put(key, Buffer.from('x'), { ...png, ifAbsent: true });
  t.match(await rejection(put('free')), { code: 'store_unavailable' });
  await new S3Objects(storage.s3, storage.results).put('taken', Buffer.from('y'), png);
  t.equal(await put('taken'), undefined);
});

t.test('entries that a batch could not take are sent again, until it is hopeless', async (t) => {
  for (const [failures, isSent] of [
    [2, true],
    [4, false],
  ] as const) {
    const sqs = new SQSClient({ ...identity, endpoint: storage.endpoint, useQueueUrlAsEndpoint: false });
    t.teardown(() => sqs.destroy());
    let left: number = failures;
    sqs.middlewareStack.add((next, context) => async (args) => {
      if (context.commandName !== 'SendMessageBatchCommand' || left-- <= 0) return next(args);
      const { input } = args as { input: SendMessageBatchCommandInput };
      const [lost, ...rest] = input.Entries ?? [];
      const failed = { Id: lost?.Id, Code: 'InternalError', SenderFault: false };
      if (rest.length > 0) await next({ ...args, input: { ...input, Entries: rest } });
      return { response: undefined, output: { $metadata: {}, Successful: [], Failed: [failed] } };
    });
    const jobs = new SqsJobs(sqs, { queue: storage.queue, deadLetterQueue: storage.deadLetters });
    const bodies = ['a', 'b', 'c', 'd', 'e'].map((name) => name + failures);
    if (!isSent) t.match(await rejection(jobs.send(bodies)), { code: 'store_unavailable' });
    else await jobs.send(bodies);
    const received = await jobs.receive({ max: 10, waitSeconds: 0, visibilitySeconds: 60 });
    t.same(received.map(({ body }) => body).sort(), isSent ? bodies : bodies.slice(1));
  }
});

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

/** Passes on to a local port and cuts the connection after so many bytes of an answer. */
async function cuttingProxy(port: number, bytes: number): Promise<{ server: Server; endpoint: string }> {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let passed = 0;
    far.on('data', (chunk) => {
      passed += chunk.length;
      if (passed > bytes) near.destroy();
      else near.write(chunk);
    });
    near.pipe(far);
    for (const end of [near, far])
      end.on('error', () => {}).on('close', () => near.destroy() && far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const local = typeof address === 'object' && address !== null ? address.port : 0;
  return { server, endpoint: `http://127.0.0.1:${local}` };
}
