import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { corpus } from '../support/corpus.ts';
import { temporaryFolder } from '../support/folders.ts';
import { sampler } from '../support/sample.ts';
import { bytesOf, problemOf, startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

/** What browsers and other clients say, and the formats that may be sent to them. */
const CLIENTS = [
  [
    'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8',
    ['avif', 'webp', 'png', 'jpeg', 'gif'],
  ],
  ['image/avif', ['avif']],
  ['image/webp,*/*;q=0.1', ['webp', 'png', 'jpeg', 'gif']],
  ['image/webp', ['webp']],
  ['*/*', ['png', 'jpeg', 'gif']],
  ['image/png', ['png']],
] as const;
const FORMATS = ['', 'avif', 'webp', 'jpeg', 'png', 'auto-avif', 'source'] as const;
/** Expected waits in ms: by QUEUE_MS=1000 nothing is saved, then the encoder's patience, then the format too. */
const WAITS = [0, 400, 2000] as const;
const EXPLICIT = /effort=(?:fast|small)/;
const EFFORTS = ['', 'fast', 'small'] as const;

const PICTURES = {
  'photo.jpg': async () =>
    sharp(await corpus('samples/ladybug.jpg'))
      .resize(480)
      .jpeg()
      .toBuffer(),
  'clear.png': () => corpus('samples/transparency-demo.png'),
  'moving.gif': () => corpus('animated/red-blue.gif'),
} as const;

const ENV = { RENDER_SLOTS: '1', QUEUE_MS: '1000', VERSION_SECONDS: '3600' };

/** A server whose only slot is taken while somebody asks, at a price that makes the expected wait. */
async function busy(t: Test, env: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const server = await startServer({ ...ENV, DATA_DIR: folder, ...env });
  t.teardown(() => server.close());
  for (const [id, bytes] of Object.entries(PICTURES)) await server.put(id, await bytes());
  const { render } = server.composed.core.admissions;
  let kinds = 0;
  const askAfter = async (waitMs: number, path: string, headers: Record<string, string> = {}) => {
    // What it takes says nothing of what it is priced at: each is a kind of its own.
    kinds += 1;
    const price = { ms: waitMs * 2, bytes: 1, kind: String(kinds) };
    const permit = waitMs ? await render.acquire(price) : undefined;
    let isAnswered = false;
    const answering = server.get(path, { headers }).finally(() => {
      isAnswered = true;
    });
    if (permit) await waitFor(() => isAnswered || render.load.waiting === 1);
    permit?.release();
    return answering;
  };
  const storedFiles = async () => {
    await server.composed.images.settle();
    const names = await readdir(join(folder, 'results'), { recursive: true });
    return names.filter((name) => name.includes('w='));
  };
  return { server, render, askAfter, storedFiles };
}

const isDegraded = ({ headers }: Response): boolean =>
  headers.get('x-image-warning')?.split(', ').includes('degraded') ?? false;

interface Case {
  readonly query: string;
  readonly accept: string;
  readonly formats: readonly string[];
  readonly waitMs: number;
}

function cases(): Case[] {
  const some = sampler();
  return FORMATS.flatMap((fmt) =>
    some(CLIENTS, 2).flatMap(([accept, formats]) =>
      some(WAITS, 2).flatMap((waitMs) =>
        some(EFFORTS).map((effort) => ({
          query: `${fmt && `&fmt=${fmt}`}${effort && `&effort=${effort}`}`,
          accept,
          formats: fmt === '' ? formats : fmt === 'auto-avif' ? ['avif', 'webp'] : formatsOf(fmt),
          waitMs,
        })),
      ),
    ),
  );
}

const formatsOf = (fmt: string): readonly string[] => (fmt === 'source' ? ['jpeg', 'png', 'gif'] : [fmt]);

/** One that nobody asked for before, and no larger than its original: of a small photograph little would be saved. */
const boxOf = (id: string, turn: number): string =>
  id === 'photo.jpg' ? `w=${300 + turn}` : `w=${20 + (turn % 40)}&h=${8 + Math.floor(turn / 40)}`;

type Saving = 'much' | 'some' | 'none';

/** What is saved by a cheaper form: of 64 x 48 px nothing, of a clear picture something in some formats. */
function savingOf(id: string, { formats, waitMs }: Case): Saving {
  if (id !== 'photo.jpg') return id === 'clear.png' ? 'some' : 'none';
  // Requests get the cheapest AVIF and JPEG as it is; for the first there is WebP, once much waits.
  if (formats.includes('avif') && formats.includes('webp')) return waitMs >= 1000 ? 'much' : 'none';
  return formats[0] === 'webp' || formats.join() === 'png' ? 'much' : 'none';
}

interface Checked extends Case {
  readonly saving: Saving;
}

/** What holds for each answer, whatever was asked for and however much waits. */
async function check(t: Test, answer: Response, { formats, waitMs, query, saving }: Checked): Promise<void> {
  t.equal(answer.status, 200);
  const { width, height, format = '' } = await sharp(await bytesOf(answer)).metadata();
  const named = format === 'heif' ? 'avif' : format;
  t.ok(formats.includes(named), `${named} is one of ${formats.join(' ')}`);
  t.same(
    [answer.headers.get('x-image-width'), answer.headers.get('x-image-height')],
    [String(width), String(height)],
  );
  const cached = answer.headers.get('cache-control') ?? '';
  const isDue = waitMs > 0 && !EXPLICIT.test(query);
  if (!isDue || saving === 'none') t.notOk(isDegraded(answer));
  else if (saving === 'much') t.ok(isDegraded(answer));
  t.equal(/immutable|stale/.test(cached), !isDegraded(answer));
  t.equal(answer.headers.get('last-modified') === null, isDegraded(answer));
  if (isDegraded(answer)) t.ok(Number(/max-age=(\d+)/.exec(cached)?.[1]) <= 30, cached);
}

t.test('whatever waits: in a format that is accepted, and nothing made in haste is kept', async (t) => {
  const { server, askAfter, storedFiles } = await busy(t);
  const ids = Object.keys(PICTURES);
  let stored = 0;
  for (const [index, given] of cases().entries()) {
    const id = ids[index % ids.length] ?? '';
    const isSame = given.query.includes('fmt=source');
    const v = (await server.composed.core.originals.identify(id)).version.slice(0, 16);
    const path = `/img/${id}?${boxOf(id, Math.floor(index / ids.length))}${given.query}&v=${v}`;
    const headers = { accept: given.accept };
    await t.test(`${path} for ${given.accept} at ${given.waitMs} ms`, async (t) => {
      const first = await askAfter(given.waitMs, path, headers);
      const formats = isSame ? [id.replace(/.*\./, '').replace('jpg', 'jpeg')] : given.formats;
      await check(t, first, { ...given, formats, saving: savingOf(id, { ...given, formats }) });
      const names = await storedFiles();
      t.equal(names.length > stored, !isDegraded(first), 'stored under its key');
      const next = await server.get(path, {
        headers: { ...headers, 'if-none-match': first.headers.get('etag') ?? '' },
      });
      t.notOk(isDegraded(next), 'once there is time it is made as asked for');
      t.match(next.headers.get('cache-control'), /immutable/);
      if (next.status === 304) t.equal(next.headers.get('etag'), first.headers.get('etag'));
      stored = (await storedFiles()).length;
    });
  }
});

t.test(
  'who came in haste gets what is asked for once it is there, be it within the same second',
  async (t) => {
    const { server, askAfter } = await busy(t);
    const path = '/img/photo.jpg?w=200';
    const headers = { accept: CLIENTS[0][0] };
    const [hurried, again] = [await askAfter(2000, path, headers), await askAfter(2000, path, headers)];
    t.same([isDegraded(hurried), isDegraded(again)], [true, true]);
    const asked = await server.get(path, { headers });
    t.notOk(isDegraded(asked));
    t.not(asked.headers.get('etag'), hurried.headers.get('etag'));
    const dated = await server.get(path, {
      headers: { ...headers, 'if-none-match': hurried.headers.get('etag') ?? '' },
    });
    t.equal(dated.status, 200, 'not told to be unchanged');
    for (const answer of [hurried, again, asked, dated]) await bytesOf(answer);
    const metrics = await (await server.get('/metrics')).text();
    t.match(metrics, /rendition_degraded_total 1\b/);
  },
);

t.test('the same is made in haste once, and exp is not passed by it', async (t) => {
  const { server, render } = await busy(t);
  const path = '/img/photo.jpg?w=210&fmt=webp';
  const permit = await render.acquire({ ms: 2000, bytes: 1, kind: 'a' });
  const first = server.get(path);
  await waitFor(() => render.load.waiting === 1);
  permit.release();
  const bytes = await bytesOf(await first);
  const other = await render.acquire({ ms: 2000, bytes: 1, kind: 'b' });
  const next = await server.get(path);
  t.same([isDegraded(next), next.headers.get('x-image-cache')], [true, 'memory']);
  t.same(await bytesOf(next), bytes, 'while the slot is still taken');
  other.release();
});

t.test('a picture that costs the same either way is made as asked for, and kept', async (t) => {
  const { server, askAfter, storedFiles } = await busy(t);
  for (const path of [
    '/img/photo.jpg?w=230&fmt=gif',
    '/img/moving.gif?w=40&fmt=gif',
    '/img/clear.png?w=20&fmt=webp',
  ]) {
    const answer = await askAfter(2000, path);
    t.notOk(isDegraded(answer), path);
    await bytesOf(answer);
  }
  t.equal((await storedFiles()).length, 3);
  t.match(await (await server.get('/metrics')).text(), /rendition_degraded_total 0\b/);
});

t.test('what could not be had as asked is said of the cheaper form too', async (t) => {
  const { askAfter } = await busy(t);
  const headers = { accept: CLIENTS[0][0] };
  const hurried = await askAfter(2000, '/img/photo.jpg?w=300&anim=1', headers);
  t.same([isDegraded(hurried), hurried.headers.get('content-type')], [true, 'image/webp']);
  await bytesOf(hurried);
  const asked = await askAfter(0, '/img/photo.jpg?w=300&anim=1', headers);
  t.equal(asked.headers.get('content-type'), 'image/avif');
  const said = asked.headers.get('x-image-warning');
  t.equal(said, 'anim-ignored');
  t.equal(hurried.headers.get('x-image-warning'), `${said}, degraded`);
  await bytesOf(asked);
});

t.test('DEGRADE=off: what is let in is made as asked for', async (t) => {
  const { askAfter } = await busy(t, { DEGRADE: 'off' });
  const answer = await askAfter(2000, '/img/photo.jpg?w=220');
  t.notOk(isDegraded(answer));
  await bytesOf(answer);
});

const refused = (answer: Response) => ({
  status: answer.status,
  cached: answer.headers.get('cache-control'),
  again: answer.headers.get('retry-after'),
  type: answer.headers.get('content-type'),
  origin: answer.headers.get('access-control-allow-origin'),
});

/** Reads of records and stores, counted. */
function countLooks({ stores }: TestServer): () => number {
  let looks = 0;
  for (const store of [stores.records.images, stores.originals, stores.results]) {
    const get = store.get.bind(store) as (...given: unknown[]) => unknown;
    Object.assign(store, {
      get: (...given: unknown[]) => {
        looks += 1;
        return get(...given);
      },
    });
  }
  return () => looks;
}

/** Time of all answers that came of no tier, so far. */
async function secondsOf(server: TestServer): Promise<number> {
  const metrics = await (await server.get('/metrics')).text();
  return Number(/request_seconds_sum\{tier="none"\} (\S+)/.exec(metrics)?.[1]);
}

t.test(
  'refusals: the same problem, without a line each, and the second before anything is read',
  async (t) => {
    const { server, render } = await busy(t, { QUEUE_MS: '50' });
    const looks = countLooks(server);
    const permit = await render.acquire({ ms: 60_000, bytes: 1 });
    const first = await server.get('/img/photo.jpg?w=300', { headers: { 'x-request-id': 'first' } });
    const before = looks();
    t.ok(before > 0);
    const seconds = await secondsOf(server);
    const second = await server.get('/img/photo.jpg?w=300', { headers: { 'x-request-id': 'second' } });
    t.equal(looks(), before);
    t.same(refused(second), refused(first));
    t.ok((await secondsOf(server)) > seconds, 'its time is counted');
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    for (const path of ['/img/photo.jpg?w=300', '/img/photo.jpg?w=302']) {
      const traced = await server.get(path, { headers: { traceparent } });
      t.same([traced.status, traced.headers.get('traceparent')], [503, traceparent], path);
    }
    t.match(refused(first), { status: 503, cached: 'no-store', again: '30', type: /problem/, origin: '*' });
    const bodies = [await problemOf(first), await problemOf(second)];
    t.same(
      bodies.map(({ instance }) => instance),
      ['first', 'second'],
    );
    t.match(bodies[1], { code: 'overloaded', title: 'Too busy, retry', detail: /try again in 30 s/ });
    const other = await server.get('/img/photo.jpg?w=300', { headers: { accept: 'image/avif' } });
    t.equal((await problemOf(other))['code'], 'overloaded');
    t.ok(looks() > before, 'for another format there may be a result');
    t.equal(
      (await server.get('/img/none.jpg?w=300')).status,
      404,
      'what is not there is not refused for want of room',
    );
    server.composed.deps.deferred.flush();
    server.composed.deps.overload.flush();
    const lines = server.lines.filter(({ msg }) => msg === 'refused');
    t.equal(
      lines.reduce((sum, line) => sum + Number(line['refused']), 0),
      5,
    );
    t.match(lines[0], { sample: { requestId: String, method: 'GET', url: '/img/photo.jpg?w=300' } });
    t.equal(server.lines.filter(({ status }) => status === 503).length, 0);
    const metrics = await (await server.get('/metrics')).text();
    t.match(metrics, 'rendition_requests_total{tier="none",status="503"} 5');
    permit.release();
    const served = await server.get('/img/photo.jpg?w=300');
    t.equal(served.status, 200, 'as soon as there is room, however soon');
    await bytesOf(served);
  },
);

t.test('what ends, and what is too long to be remembered, is refused the long way', async (t) => {
  const { server, render } = await busy(t, { QUEUE_MS: '50' });
  const looks = countLooks(server);
  const permit = await render.acquire({ ms: 60_000, bytes: 1 });
  const long = `/img/photo.jpg?w=300&dl=${'%C3%A9'.repeat(90)}`;
  const wide = { accept: `image/webp${',image/x-none'.repeat(50)}` };
  for (const [path, headers] of [
    ['/img/photo.jpg?w=300&exp=9999999999', {}],
    [long, {}],
    ['/img/photo.jpg?w=301', wide],
  ] as const) {
    const statuses = [(await server.get(path, { headers })).status];
    const before = looks();
    statuses.push((await server.get(path, { headers })).status);
    t.same(statuses, [503, 503]);
    t.ok(looks() > before, path);
  }
  permit.release();
});

t.test('a page of new pictures is answered whole', async (t) => {
  const server = await startServer({ RENDER_SLOTS: '2', QUEUE_MS: '1000' });
  t.teardown(() => server.close());
  const photo = await sharp(await corpus('samples/ladybug.jpg'))
    .resize(320)
    .jpeg()
    .toBuffer();
  const ids = Array.from({ length: 60 }, (_, index) => `page/${index}.jpg`);
  for (const id of ids) await server.put(id, photo);
  const headers = { accept: CLIENTS[0][0] };
  const answers = await Promise.all(ids.map((id) => server.get(`/img/${id}?w=100`, { headers })));
  t.same(
    answers.filter(({ status }) => status !== 200).map(({ status }) => status),
    [],
  );
  await Promise.all(answers.map(bytesOf));
});
