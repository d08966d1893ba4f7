import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { type SendMessageBatchCommandInput, SQSClient } from '@aws-sdk/client-sqs';
import t, { type Test } from 'tap';
import { openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { SqsJobs } from '../../server/stores/sqs/jobs.ts';
import { identity, startStorage, useKeys } from '../support/emulators.ts';
import { addressOf } from '../support/ports.ts';
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
    const sqs = new SQSClient({
      ...identity,
      endpoint: storage.sqsEndpoint,
      useQueueUrlAsEndpoint: false,
    });
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

t.test('a service that takes connections and never answers is unavailable after a while', async (t) => {
  const patient = mayTakeLonger(t);
  const { endpoint } = await silent(t);
  const stores = await cloudStores({ S3: endpoint, DYNAMODB: endpoint, SQS: endpoint });
  const { originals, records, jobs } = stores;
  const calls = {
    head: () => originals.head('a'),
    'put of bytes': () => originals.put('a', Buffer.from('x'), png),
    'put of a stream': () => originals.put('a', Readable.from([randomBytes(20_000_000)]), png),
    removeAll: () => originals.removeAll('a/'),
    image: () => records.images.get('a'),
    send: () => jobs.send(['a']),
    receive: () => jobs.receive({ max: 1, waitSeconds: 0, visibilitySeconds: 60 }),
  };
  const ended = Object.entries(calls).map(async ([name, call]) =>
    t.match(await rejection(call()), { code: 'store_unavailable' }, name),
  );
  await Promise.all([...ended, patient]);
});

/** A body takes longer than any silence may, and so does a long poll. */
async function mayTakeLonger(t: Test): Promise<void> {
  const stores = await cloudStores({ S3: (await dripping(t)).endpoint, SQS: storage.sqsEndpoint });
  const drips = stores.originals.get('a').then((object) => bytesOf(present(object).body));
  const polled = stores.jobs.receive({ max: 1, waitSeconds: 12, visibilitySeconds: 60 });
  t.equal((await drips).length, DRIPS);
  t.same(await polled, []);
}

// The SDK reads it with the first call of a client; others of this process want their second try.
t.afterEach(() => void delete process.env['AWS_MAX_ATTEMPTS']);

/** As the settings open them, without a second try. */
async function cloudStores(endpoints: { S3: string; SQS: string; DYNAMODB?: string }) {
  useKeys();
  process.env['AWS_MAX_ATTEMPTS'] = '1';
  const named = Object.entries(endpoints).map(([service, endpoint]) => [`${service}_ENDPOINT`, endpoint]);
  return openStores(
    loadConfig({
      ...Object.fromEntries(named),
      ORIGINALS_BUCKET: storage.originals,
      RESULTS_BUCKET: storage.results,
      JOBS_QUEUE: storage.queue,
      JOBS_DEAD_LETTER_QUEUE: storage.deadLetters,
      RECORDS_TABLE: 'records',
    }),
  );
}

/** Takes connections and what comes over them, and never says a word. */
async function silent(t: Test): Promise<{ endpoint: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {}).resume()));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listening(server);
}

const DRIPS = 12;

/** Answers with a byte every two seconds. */
async function dripping(t: Test): Promise<{ endpoint: string }> {
  const server = createHttpServer(async (_request, response) => {
    response.writeHead(200, { 'Content-Length': DRIPS, ETag: '"a"' });
    for (let drip = 0; drip < DRIPS; drip++) {
      response.write('x');
      await sleep(2_000);
    }
    response.end();
  });
  t.teardown(() => server.close());
  return listening(server);
}

async function listening(server: Server): Promise<{ endpoint: string }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { endpoint: `http://127.0.0.1:${addressOf(server).port}` };
}

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
  return { server, ...(await listening(server)) };
}
