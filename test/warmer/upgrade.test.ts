import { createHash } from 'node:crypto';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { Later, readJob, type UpgradeJob } from '../../server/warming/jobs.ts';
import { Turns } from '../../warmer/turns.ts';
import { Upgrade, type UpgradeOptions } from '../../warmer/upgrade.ts';
import { corpus } from '../support/corpus.ts';
import { storedKey } from '../support/results.ts';
import { bytesOf, startServer, type TestServer } from '../support/server.ts';
import { isDrained, type TestWarmer, warmerOf } from '../support/warmer.ts';

const photo = await sharp(await corpus('photos/kodim23.png'))
  .resize(320)
  .jpeg()
  .toBuffer();
const AVIF = { accept: 'image/avif,image/webp,*/*' };

/** A server and a warmer over the same stores, which know one image. */
async function house(t: Test, env: Record<string, string> = {}) {
  const warmer = await warmerOf(t, env);
  const server = await startServer({ DATA_DIR: warmer.config.dataDir ?? '', ...env });
  t.teardown(() => server.close());
  await warmer.ask('a', photo, []);
  let last: TestWarmer = warmer;
  /** Tells of what can become smaller, and lets a warmer do all there is. */
  const upgraded = async (by = server) => {
    await by.composed.images.settle();
    await by.composed.upgrades.flush();
    last = await warmerOf(t, { DATA_DIR: warmer.config.dataDir ?? '', ...env });
    await idle(last);
    return last.lines.filter(({ kind }) => kind === 'upgrade');
  };
  return { warmer, server, upgraded, metrics: () => last.metrics.text() };
}

const idle = (warmer: TestWarmer) => warmer.until(() => isDrained(warmer.stores));

async function answer(server: TestServer, path: string, headers: Record<string, string> = {}) {
  const response = await server.get(path, { headers });
  const bytes = await bytesOf(response);
  const etag = response.headers.get('etag') ?? '';
  return { response, bytes, etag, tier: response.headers.get('x-image-cache'), status: response.status };
}

const isOwnTag = ({ etag, bytes }: { etag: string; bytes: Buffer }): boolean =>
  etag === `"${createHash('md5').update(bytes).digest('hex')}"`;

t.test('what was made on request becomes smaller once, and all servers say so', async (t) => {
  const { warmer, server, upgraded, metrics } = await house(t);
  const paths = [
    '/img/a?w=200&fmt=webp',
    '/img/a?w=210&fmt=avif',
    '/img/a?w=220&fmt=png',
    '/img/a?w=230&fmt=jpeg',
  ];
  const first = await Promise.all(paths.map((path) => answer(server, path)));
  const [report, ...further] = await upgraded();
  t.match(report, { id: 'a', smaller: 4, same: 0, made: 0, skipped: 0, receives: 1 });
  t.equal(further.length, 0, 'one message for one image');
  const told = await metrics();
  const next = await Promise.all(paths.map((path) => answer(server, path)));
  const saved = first.reduce(
    (sum, { bytes }, index) => sum + bytes.length - (next[index]?.bytes.length ?? 0),
    0,
  );
  t.ok(saved > 0, `${saved} bytes fewer`);
  t.equal(report?.['savedBytes'], saved);
  t.match(told, new RegExp(`rendition_upgrade_saved_bytes_total ${saved}\\b`));
  t.match(told, /rendition_upgrades_total{outcome="smaller"} 4/);
  for (const [index, now] of next.entries()) {
    const before = first[index];
    t.not(now.etag, before?.etag);
    t.ok(isOwnTag(now), 'the ETag is that of the bytes');
    const sizes = [before?.bytes, now.bytes].map((bytes) => sharp(bytes).metadata());
    const [was, is] = await Promise.all(sizes);
    t.same([is?.width, is?.height, is?.format], [was?.width, was?.height, was?.format]);
  }
  t.same(await upgraded(), [], 'once');
  const again = await answer(server, paths[0] ?? '');
  t.same([again.tier, again.etag], ['memory', next[0]?.etag], 'memory holds it as any other');
  const known = await answer(server, paths[0] ?? '', { 'if-none-match': first[0]?.etag ?? '' });
  t.same([known.status, known.etag], [200, again.etag], 'who has the former is told of the new one');
  const other = await startServer({ DATA_DIR: warmer.config.dataDir ?? '' });
  t.teardown(() => other.close());
  t.same((await answer(other, paths[0] ?? '')).bytes, again.bytes, 'also after a restart');
});

t.test(
  'a server that believes versions for long goes on with what it has, whole, until it looks',
  async (t) => {
    const { server, upgraded } = await house(t, { VERSION_SECONDS: '3600' });
    const path = '/img/a?w=200&fmt=webp';
    const first = await answer(server, path);
    const [report] = await upgraded();
    t.match(report, { smaller: 1 });
    const meanwhile = await answer(server, path);
    t.same([meanwhile.etag, meanwhile.tier, isOwnTag(meanwhile)], [first.etag, 'memory', true]);
    await server.composed.core.originals.refresh('a');
    const then = await answer(server, path);
    t.not(then.etag, first.etag);
    t.ok(isOwnTag(then));
    t.same((await answer(server, path)).tier, 'memory');
  },
);

t.test('what names its effort, placeholders, and another size of the same are left alone', async (t) => {
  const { server, upgraded } = await house(t);
  const paths = [
    '/img/a?w=100&fmt=webp&effort=fast',
    '/img/a?w=100&fmt=webp&effort=small',
    '/img/a?ph=thumbhash',
  ];
  const before = await Promise.all(paths.map((path) => answer(server, path)));
  t.same(await upgraded(), []);
  const after = await Promise.all(paths.map((path) => answer(server, path)));
  t.same(
    after.map(({ etag }) => etag),
    before.map(({ etag }) => etag),
  );
  await Promise.all(['w=4000&fmt=webp', 'w=5000&fmt=webp'].map((query) => answer(server, `/img/a?${query}`)));
  const [report, ...further] = await upgraded();
  t.match(report, { smaller: 1, skipped: 0 });
  t.equal(further.length, 0);
  const wide = await Promise.all(
    ['w=4000&fmt=webp', 'fmt=webp'].map((query) => answer(server, `/img/a?${query}`)),
  );
  t.equal(wide[0]?.etag, wide[1]?.etag, 'two widths above the original are one picture still');
});

t.test('what cannot become smaller stays byte for byte, and is not tried again', async (t) => {
  const { warmer, server, upgraded } = await house(t);
  const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
  await warmer.ask('plain', plain, []);
  const first = await answer(server, '/img/plain?w=4&fmt=png');
  t.match(await upgraded(), [{ smaller: 0, same: 1, savedBytes: 0 }]);
  const next = await answer(server, '/img/plain?w=4&fmt=png');
  t.same([next.etag, next.bytes], [first.etag, first.bytes]);
  t.same(next.response.headers.get('last-modified'), first.response.headers.get('last-modified'));
  const facts = await server.stores.results.head(storedKey('plain', 'fmt=png&w=4'));
  t.equal(facts?.metadata['upgrade'], undefined);
  t.same(await upgraded(), []);
});

t.test('what was made in haste is made as it was asked for', async (t) => {
  const { server, upgraded } = await house(t, { RENDER_SLOTS: '1', QUEUE_MS: '1000' });
  const { render } = server.composed.core.admissions;
  const permit = await render.acquire({ ms: 4000, bytes: 1 });
  const asking = answer(server, '/img/a?w=300', AVIF);
  while (render.load.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  permit.release();
  t.match((await asking).response.headers.get('x-image-warning'), 'degraded');
  t.match(await upgraded(), [{ made: 1, smaller: 0, skipped: 0 }]);
  const next = await answer(server, '/img/a?w=300', AVIF);
  t.equal(next.tier, 'stored');
  t.equal(next.response.headers.get('content-type'), 'image/avif');
  t.equal(next.response.headers.get('x-image-warning'), null);
});

t.test('of an image that has changed, is gone or has no record nothing is made', async (t) => {
  const { warmer, server, upgraded } = await house(t);
  const first = await answer(server, '/img/a?w=120&fmt=webp');
  await server.composed.images.settle();
  await server.composed.upgrades.flush();
  const newer = await sharp(photo).negate().jpeg().toBuffer();
  await warmer.stores.originals.put('a', newer, { contentType: 'image/jpeg' });
  await server.put('b', photo);
  await answer(server, '/img/b?w=120&fmt=webp');
  const reports = await upgraded();
  t.match(reports, [
    { id: 'a', skipped: 1, smaller: 0 },
    { id: 'b', skipped: 1, smaller: 0 },
  ]);
  t.not((await answer(server, '/img/a?w=120&fmt=webp')).etag, first.etag);
});

t.test('a result that became another one meanwhile is not overwritten', async (t) => {
  const { warmer, server } = await house(t);
  await answer(server, '/img/a?w=130&fmt=webp');
  await server.composed.images.settle();
  const { results, originals } = server.composed.core;
  const { version } = await originals.identify('a');
  const there = await results.head('a', 'fmt=webp&w=130', version);
  const made = await results.get('a', 'fmt=webp&w=130', version);
  if (!there || !made) throw new Error('It was stored.');
  const smaller = { ...made, bytes: made.bytes.subarray(1) };
  const elsewhere = { ...there, etag: '0'.repeat(32) };
  t.equal(await results.replace(elsewhere, smaller, async () => true), undefined);
  t.equal(await results.replace(there, smaller, async () => false), undefined);
  t.equal((await results.head('a', 'fmt=webp&w=130', version))?.etag, there.etag);
  let looks = 0;
  const passes = async () => ++looks < 2;
  t.equal(await results.replace(there, smaller, passes), undefined);
  t.equal(
    await results.head('a', 'fmt=webp&w=130', version),
    undefined,
    'of a version that passed nothing stays',
  );
  t.ok(await isDrained(warmer.stores));
});

t.test('UPGRADE=off: nothing is noted', async (t) => {
  const { server, upgraded } = await house(t, { UPGRADE: 'off' });
  await answer(server, '/img/a?w=120&fmt=webp');
  t.same(await upgraded(), []);
  const facts = await server.stores.results.head(storedKey('a', 'fmt=webp&w=120'));
  t.equal(facts?.metadata['upgrade'], undefined);
});

t.test('what a server forgot to tell of is told when it is read again', async (t) => {
  const { warmer, server, upgraded } = await house(t);
  await answer(server, '/img/a?w=140&fmt=webp');
  await server.composed.images.settle();
  const second = await startServer({ DATA_DIR: warmer.config.dataDir ?? '' });
  t.teardown(() => second.close());
  t.equal((await answer(second, '/img/a?w=140&fmt=webp')).tier, 'stored');
  t.match(await upgraded(second), [{ smaller: 1 }]);
});

t.test(
  'more at once than a warmer has slots for come again by a message of their own, and all have their turn',
  async (t) => {
    const { warmer, server } = await house(t);
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const id of ids.slice(1)) await warmer.ask(id, photo, []);
    for (const id of ids) await answer(server, `/img/${id}?w=160&fmt=webp`);
    await server.composed.images.settle();
    await server.composed.upgrades.flush();
    const busy = await warmerOf(t, { DATA_DIR: warmer.config.dataDir ?? '', WARM_SLOTS: '1' });
    const done = () => busy.lines.filter(({ kind }) => kind === 'upgrade');
    await busy.until(async () => done().length === ids.length);
    t.same(
      done()
        .map(({ id }) => id)
        .sort(),
      ids,
    );
    t.same([...new Set(done().map(({ receives }) => receives))], [1], 'which is not counted as a try');
    await idle(busy);
    t.equal((await server.stores.jobs.depth()).dead, 0);
  },
);

t.test('who finds no place goes back to the queue as it came, before anything is read for it', async (t) => {
  const turns = new Turns({ atOnce: 1, now: () => 0 });
  const gate = Promise.withResolvers<void>();
  const other = turns.take(() => gate.promise);
  // Nothing but turns: whatever else it touched would throw another error.
  const upgrade = new Upgrade({ turns } as unknown as UpgradeOptions);
  const job: UpgradeJob = { kind: 'upgrade', id: 'a', version: 'v1', stored: ['fmt=webp&w=1'], missing: [] };
  const put = await upgrade.run(job, new AbortController().signal).catch((error: unknown) => error);
  if (!(put instanceof Later)) throw put;
  t.same(readJob(String(put.job.body)), job);
  t.equal(put.job.delaySeconds, 1);
  gate.resolve();
  await other;
  t.ok(turns.hasPlace);
});
