import { readdir } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { Deferred } from '../../server/shared/deferred.ts';
import { call, form } from '../support/api.ts';
import { corpus } from '../support/corpus.ts';
import { temporaryFolder } from '../support/folders.ts';
import { storedKey } from '../support/results.ts';
import { bytesOf, problemOf, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

async function metric(server: { get(path: string): Promise<Response> }, line: RegExp): Promise<number> {
  const text = await (await server.get('/metrics')).text();
  return Number(line.exec(text)?.[1] ?? 0);
}

t.test('makes one render for 200 requests at once', async (t) => {
  const server = await startServer({ VERSION_SECONDS: '60' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => server.get('/img/ladybug.jpg?w=777&fmt=webp')),
  );
  await Promise.all(answers.map(bytesOf));
  t.ok(answers.every(({ status }) => status === 200));
  const tiers = answers.map(({ headers }) => headers.get('x-image-cache'));
  t.equal(tiers.filter((tier) => tier === 'miss').length, 1);
  t.equal(
    await metric(server, /rendition_stage_seconds_count\{stage="encode"\} (\d+)/),
    1,
    'counted once, however many waited',
  );
  t.equal(new Set(answers.map(({ headers }) => headers.get('etag'))).size, 1);
});

t.test('makes the same bytes alone and beside others', async (t) => {
  const server = await startServer({ RENDER_SLOTS: '3' });
  t.teardown(() => server.close());
  const photo = await corpus('photos/kodim23.png');
  for (const id of ['alone.png', 'beside.png', 'other.png']) await server.put(id, photo);
  const etagOf = async (path: string) => (await server.get(path)).headers.get('etag');
  for (const fmt of ['avif', 'webp', 'jpeg', 'png']) {
    const alone = await etagOf(`/img/alone.png?w=500&fmt=${fmt}`);
    const [beside] = await Promise.all([
      etagOf(`/img/beside.png?w=500&fmt=${fmt}`),
      etagOf(`/img/other.png?w=501&fmt=${fmt}`),
      etagOf(`/img/other.png?w=502&fmt=${fmt}`),
    ]);
    t.equal(beside, alone, fmt);
  }
});

t.test('reads an original once for all the variants that a page asks for at once', async (t) => {
  const server = await startServer({ VERSION_SECONDS: '60' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const { originals } = server.stores;
  // Without links originals come by the call that every store has.
  Object.assign(originals, { link: undefined });
  const get = originals.get.bind(originals);
  let reads = 0;
  originals.get = (key, signal) => {
    reads += 1;
    return get(key, signal);
  };
  const widths = [100, 200, 300, 400, 500, 600];
  const answers = await Promise.all(widths.map((w) => server.get(`/img/ladybug.jpg?w=${w}&fmt=webp`)));
  await Promise.all(answers.map(bytesOf));
  await bytesOf(await server.get('/img/ladybug.jpg?w=700&fmt=webp'));
  t.same(
    answers.map(({ headers }) => Number(headers.get('x-image-width'))),
    widths,
  );
  t.equal(reads, 1);
});

t.test('serves from the bucket after a restart, and then from memory', async (t) => {
  const folder = await temporaryFolder();
  const url = '/img/ladybug.jpg?w=300&fmt=webp';
  const first = await startServer({ DATA_DIR: folder });
  await first.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const { lastModified } = await first.composed.core.originals.identify('ladybug.jpg');
  // Dates of HTTP have seconds.
  await waitFor(() => Math.floor(Date.now() / 1000) > Math.floor(lastModified.getTime() / 1000));
  const made = await first.get(url);
  const rendered = Date.parse(made.headers.get('last-modified') ?? '');
  t.ok(rendered > lastModified.getTime(), 'Last-Modified is of the result');
  const bytes = await bytesOf(made);
  await first.close();
  const second = await startServer({ DATA_DIR: folder });
  t.teardown(() => second.close());
  const stored = await second.get(url);
  t.equal(stored.headers.get('x-image-cache'), 'stored');
  t.same(await bytesOf(stored), bytes);
  for (const name of [
    'etag',
    'last-modified',
    'content-type',
    'x-image-width',
    'x-image-height',
    'cache-control',
  ]) {
    t.equal(stored.headers.get(name), made.headers.get(name), name);
  }
  t.equal((await second.get(url)).headers.get('x-image-cache'), 'memory');
});

t.test('forgets every picture of an original that was overwritten', async (t) => {
  const folder = await temporaryFolder();
  const server = await startServer({ DATA_DIR: folder });
  t.teardown(() => server.close());
  const color = (background: string) =>
    sharp({ create: { width: 40, height: 40, channels: 3, background } })
      .png()
      .toBuffer();
  await server.put('a.png', await color('red'));
  const url = '/img/a.png?w=10&fmt=png';
  const red = await bytesOf(await server.get(url));
  await server.get(url);
  await server.put('a.png', await color('blue'));
  const after = await server.get(url);
  t.equal(after.headers.get('x-image-cache'), 'miss');
  const blue = await bytesOf(after);
  t.notSame(blue, red);
  await server.composed.images.settle();
  const again = await startServer({ DATA_DIR: folder });
  t.teardown(() => again.close());
  t.same(await bytesOf(await again.get(url)), blue, 'nor does the bucket hold the old one');
});

t.test('removes a result whose original changed while it was stored', async (t) => {
  const folder = await temporaryFolder();
  const server = await startServer({ DATA_DIR: folder });
  t.teardown(() => server.close());
  await server.put('a.jpg', await corpus('samples/ladybug.jpg'));
  const { originals } = server.stores;
  // Without links originals come by the call that every store has.
  Object.assign(originals, { link: undefined });
  const get = originals.get.bind(originals);
  const isRead = Promise.withResolvers<void>();
  originals.get = async (...given) => {
    const object = await get(...given);
    isRead.resolve();
    return object;
  };
  const answer = server.get('/img/a.jpg?w=1500&fmt=webp');
  await isRead.promise;
  await originals.remove(['a.jpg']);
  await bytesOf(await answer);
  await server.composed.images.settle();
  const left = await readdir(join(folder, 'results'), { recursive: true });
  t.same(
    left.filter((name) => name.includes('w=1500')),
    [],
  );
});

/** Collects what nothing reaches. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let lap = 0; lap < 3; lap++) {
    await setImmediate();
    collect();
  }
}

t.test('holds no more bytes of results than memory may have, however often each was asked for', async (t) => {
  const limit = 400_000;
  const server = await startServer({ MEMORY_CACHE_BYTES: String(limit), VERSION_SECONDS: '60' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const held: WeakRef<Buffer>[] = [];
  let made = 0;
  for (let w = 160; w < 200; w++) {
    const url = `/img/ladybug.jpg?w=${w}&fmt=png&effort=fast`;
    for (const tier of ['miss', 'memory']) {
      const answer = await server.get(url);
      made += (await bytesOf(answer)).length / 2;
      t.equal(answer.headers.get('x-image-cache'), tier);
    }
    const variant = { id: 'ladybug.jpg', canonical: `effort=fast&fmt=png&w=${w}` };
    const { result } = await server.composed.images.find(variant, new AbortController().signal);
    held.push(new WeakRef(result.bytes));
  }
  await server.composed.images.settle();
  await collectGarbage();
  const alive = held.reduce((sum, weakRef) => sum + (weakRef.deref()?.length ?? 0), 0);
  t.ok(made > 4 * limit, `${made} bytes were made`);
  t.ok(alive > 0 && alive <= limit, `${alive} bytes are still reachable`);
});

for (const seconds of ['0', '60']) {
  t.test(`a render that is late leaves what is there of the new original (${seconds} s)`, async (t) => {
    const server = await startServer({ VERSION_SECONDS: seconds });
    t.teardown(() => server.close());
    const [old, other] = [await corpus('samples/ladybug.jpg'), await corpus('samples/flower-macro.jpg')];
    const url = '/img/a.jpg?w=64&fmt=webp';
    await call(
      server,
      'POST',
      '/api/images',
      form([
        ['id', 'a.jpg'],
        ['file', old],
      ]),
    );
    const { originals, results } = server.stores;
    // Without links originals come by the call that every store has.
    Object.assign(originals, { link: undefined });
    const [get, put] = [originals.get.bind(originals), results.put.bind(results)];
    const written: unknown[] = [];
    results.put = (key, body, object, signal) => {
      written.push(object.metadata?.['original-version']);
      return put(key, body, object, signal);
    };
    const goOn = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    originals.get = async (...given) => {
      originals.get = get;
      const object = await get(...given);
      isHeld.resolve();
      await goOn.promise;
      return object;
    };
    const late = server.get(url);
    await isHeld.promise;
    const replaced = await call(server, 'PUT', '/api/images/a.jpg/original', form([['file', other]]));
    t.equal(replaced.status, 202);
    const fresh = await server.get(url);
    const bytes = await bytesOf(fresh);
    await server.composed.images.settle();
    goOn.resolve();
    t.notSame(await bytesOf(await late), bytes);
    await server.composed.images.settle();
    const again = await server.get(url);
    t.equal(again.headers.get('x-image-cache'), 'memory');
    t.same(await bytesOf(again), bytes);
    const { version } = (await server.stores.records.images.get('a.jpg')) ?? {};
    t.same(written, [version], 'not for a moment is there an old result');
    const stored = await results.head(storedKey('a.jpg', 'fmt=webp&w=64'));
    t.equal(stored?.metadata['original-version'], version);
  });
}

t.test('drops a render that nobody waits for any more', async (t) => {
  const server = await startServer({ RENDER_SLOTS: '1' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const admission = server.composed.core.admissions.render;
  // The only slot is taken: who leaves does so while waiting in the queue.
  const permit = await admission.acquire({ ms: 1, bytes: 1 });
  const leaver = http.get(`${server.base}/img/ladybug.jpg?w=333&fmt=webp`);
  leaver.on('error', () => {});
  await waitFor(() => admission.load.waiting === 1);
  leaver.destroy();
  await waitFor(() => admission.load.waiting === 0);
  permit.release();
  const head = await server.get('/img/ladybug.jpg?w=333&fmt=webp', { method: 'HEAD' });
  t.equal(head.headers.get('x-image-cache'), 'miss', 'it was never rendered');
});

t.test('writes and counts a request whose client has left, once', async (t) => {
  const server = await startServer({ RENDER_SLOTS: '1' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const admission = server.composed.core.admissions.render;
  const permit = await admission.acquire({ ms: 1, bytes: 1 });
  const leaver = http.get(`${server.base}/img/ladybug.jpg?w=1600&fmt=webp`);
  leaver.on('error', () => {});
  await waitFor(() => admission.load.waiting === 1);
  leaver.destroy();
  await waitFor(() => server.lines.some(({ msg }) => msg === 'request'));
  permit.release();
  t.match(
    server.lines.filter(({ msg }) => msg === 'request'),
    [{ method: 'GET', status: 499, id: 'ladybug.jpg', canonical: /w=1600/, ms: Number, requestId: String }],
  );
  await bytesOf(await server.get('/img/ladybug.jpg?w=20&fmt=webp'));
  const statuses = server.lines.filter(({ msg }) => msg === 'request').map(({ status }) => status);
  t.same(statuses, [499, 200]);
  const counted = /rendition_requests_total\{tier="none",status="499"\} (\d+)/;
  t.equal(await metric(server, counted), 1);
});

t.test('refuses renders beyond the expected wait at once, and keeps answering from memory', async (t) => {
  const server = await startServer({ RENDER_SLOTS: '1', QUEUE_MS: '50', VERSION_SECONDS: '60' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const warm = '/img/ladybug.jpg?w=64&fmt=webp';
  await bytesOf(await server.get(warm));
  const admission = server.composed.core.admissions.render;
  const permit = await admission.acquire({ ms: 10_000, bytes: 1 });
  const refused = await server.get('/img/ladybug.jpg?w=500&fmt=webp');
  t.match(admission.load, { holders: 1, waiting: 0 }, 'while the slot is still taken');
  t.equal(refused.status, 503);
  t.match(refused.headers.get('retry-after'), /^\d+$/);
  t.equal(refused.headers.get('cache-control'), 'no-store');
  t.equal((await problemOf(refused))['code'], 'overloaded');
  const hit = await server.get(warm);
  t.match([hit.status, hit.headers.get('x-image-cache')], [200, 'memory']);
  await bytesOf(hit);
  permit.release();
});

t.test('ends a request at its deadline', async (t) => {
  const server = await startServer({ DEADLINE_MS: '400' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const answer = await server.get('/img/ladybug.jpg?w=1800&fmt=avif&effort=small');
  t.equal(answer.status, 504);
  t.equal((await problemOf(answer))['code'], 'deadline');
});

t.test('is slower, not down, without its results bucket', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const deaf = {
    S3_ENDPOINT: 'http://127.0.0.1:9',
    ORIGINALS_BUCKET: 'a',
    RESULTS_BUCKET: 'b',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_REGION: 'us-east-1',
    AWS_MAX_ATTEMPTS: '1',
  };
  for (const [name, value] of Object.entries(deaf)) if (name.startsWith('AWS')) process.env[name] = value;
  const { openStores } = await import('../../server/compose/stores.ts');
  const { loadConfig } = await import('../../server/config/settings.ts');
  const away = await openStores(loadConfig({ ...deaf, DATA_DIR: await temporaryFolder() }));
  const { Results } = await import('../../server/reading/results.ts');
  const { Images } = await import('../../server/reading/images.ts');
  const { ResultCache } = await import('../../server/reading/result-cache.ts');
  const failures: unknown[] = [];
  const images = new Images({
    deferred: new Deferred(),
    uses: server.composed.uses,
    ...server.composed.core,
    results: new Results(away.results, ''),
    memory: new ResultCache(1e7),
    lookupMs: 60_000,
    now: () => performance.now(),
    onStoreFailure: (error) => failures.push(error),
  });
  const { tier } = await images.find(
    { id: 'ladybug.jpg', canonical: 'fmt=webp&w=50' },
    new AbortController().signal,
  );
  await images.settle();
  t.equal(tier, 'miss');
  t.equal(failures.length, 2, 'reading and storing were both tried and reported');
  away.close();
});

/** A server that has a stored result, and nothing in memory. */
async function restarted(t: Test, url: string) {
  const folder = await temporaryFolder();
  const first = await startServer({ DATA_DIR: folder });
  await first.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  await bytesOf(await first.get(url));
  await first.close();
  const server = await startServer({ DATA_DIR: folder });
  t.teardown(() => server.close());
  return server;
}

t.test('asks for the stored result while the version is still looked up', async (t) => {
  const url = '/img/ladybug.jpg?w=310&fmt=webp';
  const server = await restarted(t, url);
  const { originals, results } = server.stores;
  const [head, get] = [originals.head.bind(originals), results.get.bind(results)];
  const events: string[] = [];
  const isAskedFor = Promise.withResolvers<void>();
  originals.head = async (key, signal) => {
    await isAskedFor.promise;
    events.push('version known');
    return head(key, signal);
  };
  results.get = async (key, signal) => {
    events.push('result asked for');
    isAskedFor.resolve();
    return get(key, signal);
  };
  t.equal((await server.get(url)).headers.get('x-image-cache'), 'stored');
  t.same(events, ['result asked for', 'version known']);
  t.equal((await server.get('/img/none.jpg?w=310&fmt=webp')).status, 404);
  await server.put('ladybug.jpg', await corpus('samples/flower-macro.jpg'));
  t.equal(
    (await server.get(url)).headers.get('x-image-cache'),
    'miss',
    'what was stored is of another version',
  );
});

t.test('goes on reading for others when the one who began it has left', async (t) => {
  const url = '/img/ladybug.jpg?w=320&fmt=webp';
  const server = await restarted(t, url);
  const { originals, results } = server.stores;
  const [get, head] = [results.get.bind(results), originals.head.bind(originals)];
  const goOn = Promise.withResolvers<void>();
  let looks = 0;
  originals.head = (key, signal) => {
    looks += 1;
    return head(key, signal);
  };
  results.get = async (key, signal) => {
    await goOn.promise;
    return get(key, signal);
  };
  const first = new AbortController();
  const left = server.get(url, { signal: first.signal });
  await waitFor(() => looks === 1);
  const second = server.get(url);
  await waitFor(() => looks === 2);
  first.abort();
  await t.rejects(left);
  goOn.resolve();
  const answer = await second;
  t.equal(answer.status, 200);
  await bytesOf(answer);
  t.equal(
    await metric(server, /rendition_stage_seconds_count\{stage="encode"\} (\d+)/),
    0,
    'nothing was rendered',
  );
});

t.test('waits once for a results bucket that fails', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const { results } = server.stores;
  let tries = 0;
  results.get = async () => {
    tries += 1;
    throw new Error('out of order');
  };
  const answer = await server.get('/img/ladybug.jpg?w=64&fmt=webp');
  t.equal(answer.headers.get('x-image-cache'), 'miss');
  t.equal(tries, 1);
});

t.test('asks the results bucket nothing for an image that is known to be absent', async (t) => {
  const server = await startServer({ VERSION_SECONDS: '60' });
  t.teardown(() => server.close());
  const { results } = server.stores;
  const get = results.get.bind(results);
  let reads = 0;
  results.get = (key, signal) => {
    reads += 1;
    return get(key, signal);
  };
  for (let lap = 0; lap < 5; lap++) t.equal((await server.get('/img/none.jpg?w=64')).status, 404);
  t.equal(reads, 1);
});

t.test('ends a request at its deadline while the version is still looked up', async (t) => {
  const server = await startServer({ DEADLINE_MS: '300' });
  t.teardown(() => server.close());
  server.stores.originals.head = () => new Promise(() => {});
  for (const method of ['GET', 'HEAD'])
    t.equal((await server.get('/img/a.jpg?w=64', { method })).status, 504);
});

t.test('ends a dry run at its deadline, wherever it is', async (t) => {
  const server = await startServer({ DEADLINE_MS: '300' });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const { originals } = server.stores;
  // Without links originals come by the call that every store has.
  Object.assign(originals, { link: undefined });
  const get = originals.get.bind(originals);
  originals.get = () => new Promise(() => {});
  const late = await server.get('/api/explain/ladybug.jpg?w=64');
  t.equal(late.status, 504);
  t.match(await problemOf(late), { code: 'deadline' });
  originals.get = get;
  originals.head = () => new Promise(() => {});
  t.equal((await server.get('/api/explain/ladybug.jpg?w=64')).status, 504);
  t.notOk(server.lines.some(({ msg }) => msg === 'unexpected'));
});

t.test('stops a dry run when its client leaves', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  let seen: AbortSignal | undefined;
  // Without links originals come by the call that every store has.
  Object.assign(server.stores.originals, { link: undefined });
  server.stores.originals.get = (_key, signal) => {
    seen = signal;
    return new Promise(() => {});
  };
  const leaver = new AbortController();
  const left = server.get('/api/explain/ladybug.jpg?w=64', { signal: leaver.signal });
  await waitFor(() => seen !== undefined);
  leaver.abort();
  await t.rejects(left);
  await waitFor(() => seen?.aborted === true);
  t.notOk(server.lines.some(({ msg }) => msg === 'unexpected'));
});

t.test('takes a watermark that cannot be used upon itself, and names no original', async (t) => {
  const marks = 'gone=private/gone.png;torn=private/torn.png;text=private/text.png;good=private/good.png';
  const server = await startServer({ WATERMARKS: marks });
  t.teardown(() => server.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const mark = await corpus('samples/transparency-demo.png');
  await server.put('private/good.png', mark);
  await server.put('private/torn.png', mark.subarray(0, mark.length / 2));
  await server.put('private/text.png', Buffer.from('no picture at all'));
  for (const name of ['gone', 'torn', 'text']) {
    for (const path of ['/img/', '/api/explain/']) {
      const answer = await server.get(`${path}ladybug.jpg?w=64&fmt=webp&wm=${name}`);
      t.match([answer.status, answer.headers.get('cache-control')], [500, 'no-store'], path + name);
      const problem = await problemOf(answer);
      t.match(problem, { code: 'watermark_unusable', param: 'wm', received: name });
      t.notMatch(JSON.stringify(problem), /private/);
      const logged = server.lines.find(
        ({ requestId, msg }) => requestId === problem['instance'] && msg !== 'request',
      );
      t.match(logged, { msg: 'watermark_unusable', cause: Object });
    }
  }
  t.match(JSON.stringify(server.lines), /There is no image ..private\/gone.png/, 'the log says which');
  t.equal((await server.get('/img/ladybug.jpg?w=64&fmt=webp&wm=good')).status, 200);
  await server.put('private/torn.png', mark);
  t.equal((await server.get('/img/ladybug.jpg?w=64&fmt=webp&wm=torn')).status, 200, 'once it is mended');
});

t.test('draws a watermark that is a drawing where drawings are drawn', async (t) => {
  const folder = await temporaryFolder();
  const settings = { DATA_DIR: folder, WATERMARKS: 'badge=badge.svg;slow=slow.svg' };
  const server = await startServer(settings);
  t.teardown(() => server.close());
  const hurried = await startServer({ ...settings, SVG_MS: '100' });
  t.teardown(() => hurried.close());
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const badge =
    '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"><rect width="8" height="4" fill="lime"/></svg>';
  await server.put('badge.svg', Buffer.from(badge));
  await server.put('slow.svg', await corpus('svg/slow-filter.svg'));
  const marked = await bytesOf(
    await server.get('/img/ladybug.jpg?w=200&fmt=png&wm=badge&wmp=0&wms=50&wmg=nw'),
  );
  const { data } = await sharp(marked).raw().toBuffer({ resolveWithObject: true });
  t.same([...data.subarray(0, 3)], [0, 255, 0], 'green in its corner');
  t.equal(
    (await hurried.get('/img/ladybug.jpg?w=64&fmt=webp&wm=slow')).status,
    500,
    'given up in its time: whoever registered it must know',
  );
  t.equal((await hurried.get('/img/ladybug.jpg?w=64&fmt=webp')).status, 200);
});

t.test('readiness names the store that fails, and the log its reason', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  server.stores.results.ping = async () => {
    throw new Error('outer', { cause: new Error('secret-host is full') });
  };
  server.stores.jobs.ping = () => new Promise(() => {});
  const answer = await server.get('/readyz');
  t.equal(answer.status, 200, 'a store that is away is away for every server');
  const stores = { originals: 'ok', results: 'failed', records: 'ok', jobs: 'failed' };
  t.same(await answer.json(), { status: 'ok', stores });
  const warned = server.lines.filter(({ msg }) => msg === 'store does not answer');
  t.match(warned, [
    { level: 40, store: 'results', err: { message: /secret-host is full/ } },
    { level: 40, store: 'jobs', err: { message: /no answer within 2000 ms/ } },
  ]);
});

t.test('tells readiness apart from life', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  t.equal((await server.get('/readyz')).status, 200);
  server.drain();
  const answer = await server.get('/readyz');
  t.match([answer.status, await answer.json()], [503, { status: 'draining' }]);
  t.equal((await server.get('/healthz')).status, 200);
  t.equal((await server.get('/metrics')).status, 200);
  for (const path of ['/img/a.jpg?w=9', '/api/images', '/nowhere']) {
    const refused = await server.get(path);
    t.match([refused.status, refused.headers.get('retry-after')], [503, '1'], path);
    t.equal((await problemOf(refused))['code'], 'draining', path);
  }
});
