import { createServer } from 'node:http';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import pino from 'pino';
import t, { type Test } from 'tap';
import { Metrics } from '../../../server/telemetry/metrics.ts';
import { type InvalidateJob, Later, readJob } from '../../../server/warming/jobs.ts';
import { CloudFrontCdn, invalidationPaths } from '../../../server/writing/cdn.ts';
import { Invalidations } from '../../../server/writing/invalidations.ts';
import { readInvalidations } from '../../../warmer/invalidation-metrics.ts';
import { identity } from '../../support/emulators.ts';
import { addressOf } from '../../support/ports.ts';
import { startServer } from '../../support/server.ts';

/** The quota that CloudFront documents. */
const QUOTA = 15;

/** CloudFront over HTTP, as far as it counts paths: what is in progress ends when `finish` is called. */
async function cloudfront(t: Test) {
  const done: string[] = [];
  let inProgress: string[] = [];
  let refused = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const paths = [...body.matchAll(/<Path>([^<]*)<\/Path>/g)].map(([, path = '']) => path);
    const wildcards = [...inProgress, ...paths].filter((path) => path.endsWith('*')).length;
    response.setHeader('content-type', 'text/xml');
    if (wildcards > QUOTA) {
      refused += 1;
      const error = '<Error><Type>Sender</Type><Code>TooManyInvalidationsInProgress</Code></Error>';
      response.writeHead(400).end(`<ErrorResponse>${error}</ErrorResponse>`);
      return;
    }
    inProgress = [...inProgress, ...paths];
    response.writeHead(201).end('<Invalidation><Id>I1</Id></Invalidation>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const endpoint = `http://127.0.0.1:${addressOf(server).port}`;
  const client = new CloudFrontClient({ ...identity, endpoint, maxAttempts: 1 });
  t.teardown(() => client.destroy());
  const finish = () => {
    done.push(...inProgress);
    inProgress = [];
  };
  return { cdn: new CloudFrontCdn(client, 'E1'), done, finish, refusals: () => refused };
}

t.test('200 images that are deleted at once are all invalidated in the end', async (t) => {
  const { cdn, done, finish, refusals } = await cloudfront(t);
  const { stores, close } = await startServer();
  t.teardown(close);
  let now = 1_000;
  const invalidations = new Invalidations({
    cdn,
    originals: stores.originals,
    isMark: () => false,
    now: () => now,
    log: pino({ level: 'silent' }),
  });
  const ids = Array.from({ length: 200 }, (_, n) => `deleted/${n}-`);
  let jobs: InvalidateJob[] = ids.map((id) => ({ kind: 'invalidate', id }));
  for (let rounds = 0; jobs.length > 0 && rounds < 60; rounds++) {
    const ended = await Promise.allSettled(jobs.map((job) => invalidations.deliver(job)));
    jobs = ended.flatMap((one) => (one.status === 'rejected' ? againOf(one.reason) : []));
    finish();
    now += 600;
  }
  t.same(jobs, []);
  t.same(
    [...done].sort(),
    ids.map((id) => `/img/${id}*`).sort(),
    'each once: 200 paths, where three each were 600',
  );
  t.ok(refusals() > 0, 'the quota was met on the way');
  t.match(invalidations.counts, { paths: 200, refused: refusals(), waiting: 0 });
  const program = new Metrics('warmer');
  readInvalidations(invalidations, program);
  const metrics = await program.text();
  t.match(metrics, /^rendition_invalidation_paths_total 200$/m);
  t.match(metrics, new RegExp(`^rendition_invalidations_taken_total ${invalidations.counts.taken}$`, 'm'));
  t.match(metrics, new RegExp(`^rendition_invalidations_refused_total ${refusals()}$`, 'm'));
  t.match(metrics, /^rendition_invalidations_waiting 0$/m);
});

t.test('an image whose name is the beginning of another one leaves that alone', async (t) => {
  const { cdn, done, finish } = await cloudfront(t);
  const { stores, put, close } = await startServer();
  t.teardown(close);
  await put('shoe', Buffer.from('x'));
  await put('shoe-2', Buffer.from('x'));
  const invalidations = new Invalidations({
    cdn,
    originals: stores.originals,
    isMark: (id: string) => id === 'logo',
    now: () => 1,
    log: pino({ level: 'silent' }),
  });
  const deliver = (id: string) => invalidations.deliver({ kind: 'invalidate', id });
  t.same(await Promise.all([deliver('shoe'), deliver('shoe'), deliver('shoe-2')]), [
    { paths: 3 },
    { paths: 3 },
    { paths: 1 },
  ]);
  await deliver('logo');
  finish();
  const paths = ['/img/*', '/img/shoe', '/img/shoe-2*', '/img/shoe/*', '/img/shoe?*'];
  t.same([...done].sort(), paths);
});

function againOf(error: unknown): InvalidateJob[] {
  if (!(error instanceof Later)) throw error;
  const job = readJob(error.job.body);
  return job.kind === 'invalidate' ? [job] : [];
}

t.test('a star of an id is no wildcard: nothing of its neighbours is taken along', (t) => {
  for (const id of ['a*', '*', 'a*b.jpg', '**/x', 'a/*', 'é*.jpg', 'a?*', 'a%*'])
    for (const isAlone of [true, false])
      for (const path of invalidationPaths(id, isAlone)) {
        const [, rest = ''] = /^\/img\/(.*?)(?:\?\*|\/\*|\*)?$/.exec(path) ?? [];
        // What CloudFront reads as a wildcard stands at the end, and once (Invalidation paths, Amazon CloudFront Developer Guide).
        t.notMatch(rest, /\*/, path);
        t.equal(decodeURIComponent(rest), id, path);
      }
  t.end();
});
