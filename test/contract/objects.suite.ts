import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Objects } from '../../server/stores/objects.ts';
import { conditionCases } from './objects.conditions.ts';
import { listingCases } from './objects.listing.ts';
import { bytesOf, type Gaps, pieces, png, present, rejection, suite } from './suite.ts';

export interface ObjectsUnderTest {
  objects: Objects;
  /** A store of the same kind whose backend cannot be reached. */
  unreachable: Objects;
  /** What writers that did not finish have left in the backend. */
  leftovers(): Promise<string[]>;
  /** Keys that are listed at once; 1,050 when not given, more than S3 lists or removes in one call. */
  keyCount?: number;
  gaps: Gaps;
}

const MIB = 1024 * 1024;

/** Each case works under a prefix of its own. */
export function objectsSuite(t: Test, title: string, under: ObjectsUnderTest): Promise<unknown> {
  const { objects } = under;
  const fresh = () => `t/${randomUUID()}`;
  return suite(t, title, { gaps: under.gaps, atOnce: 1 }, (it) => {
    it('head and get of an absent key are undefined', async (t) => {
      t.equal(await objects.head(`${fresh()}/none`), undefined);
      t.equal(await objects.get(`${fresh()}/none`), undefined);
    });

    it('keeps bytes, type, cache control and metadata', async (t) => {
      const key = `${fresh()}/a.png`;
      const bytes = randomBytes(70_000);
      const before = Date.now();
      const metadata = {
        version: 'abc',
        spaced: ' outer space ',
        umlaut: 'Zürich 写真',
        mime: '=?UTF-8?B?eA==?=',
      };
      const put = present(await objects.put(key, bytes, { ...png, cacheControl: 'max-age=60', metadata }));
      const etag = createHash('md5').update(bytes).digest('hex');
      t.match(put, { key, etag, size: 70_000 });
      const { body, bytes: whole, ...got } = present(await objects.get(key));
      t.same(await bytesOf(body), bytes);
      t.same(await present(await objects.get(key)).bytes(), bytes, 'in one piece too');
      t.match(got, {
        key,
        etag,
        size: 70_000,
        cacheControl: 'max-age=60',
        contentType: 'image/png',
        metadata,
      });
      t.same(await objects.head(key), got, 'head says what get says');
      // S3 says it in whole seconds.
      for (const { lastModified } of [put, got])
        t.ok(
          lastModified.getTime() > before - 1000 && lastModified.getTime() <= Date.now(),
          'when it was put',
        );
    });

    it('has no metadata and no cache control where none was given', async (t) => {
      const key = `${fresh()}/plain`;
      await objects.put(key, randomBytes(3), png);
      const facts = await objects.head(key);
      t.same(facts?.metadata, {});
      t.equal(facts?.cacheControl, undefined);
    });

    it('metadata that is known once the body has ended is kept beside that of before', async (t) => {
      const passed: number[] = [];
      async function* counted() {
        for await (const piece of pieces(['a', 'bc'])) {
          passed.push(piece.length);
          yield piece;
        }
      }
      const late = { ...png, metadata: { first: '1' }, lateMetadata: () => ({ last: `${passed.length}` }) };
      const [streamed, whole, copied] = [`${fresh()}/a`, `${fresh()}/b`, `${fresh()}/c`];
      await objects.put(streamed, counted(), late);
      await objects.put(whole, Buffer.from('abc'), late);
      t.same(present(await objects.head(streamed)).metadata, { first: '1', last: '2' });
      t.same(present(await objects.head(whole)).metadata, { first: '1', last: '2' });
      await objects.copy(streamed, copied);
      t.same(present(await objects.head(copied)).metadata, { first: '1', last: '2' }, 'a copy has it too');
    });

    it('stores an empty body, as bytes and as a stream', async (t) => {
      for (const body of [Buffer.alloc(0), pieces([])]) {
        const key = `${fresh()}/empty`;
        await objects.put(key, body, png);
        const got = await objects.get(key);
        t.equal(got?.size, 0);
        t.equal((await bytesOf(got?.body ?? pieces([]))).length, 0);
      }
    });

    it('keeps keys apart that differ by little, by case or by length only', async (t) => {
      const root = fresh();
      const long = 'x'.repeat(700);
      const names = [
        'a',
        'a/b',
        'a/b/c',
        'a+',
        'a%2B',
        'a=1,b=2',
        'A',
        '.a',
        'a.',
        'a b',
        'w_1:h*2',
        '~!@(é)',
      ];
      names.push(
        long,
        `${long}/y`,
        `${long}y`,
        'x'.repeat(238),
        `${'x'.repeat(238)}/z`,
        `${'+'.repeat(300)}`,
      );
      for (const name of names) await objects.put(`${root}/${name}`, Buffer.from(name), png);
      for (const name of names) {
        const got = await objects.get(`${root}/${name}`);
        t.equal((await bytesOf(got?.body ?? pieces([]))).toString(), name);
      }
      t.equal(await objects.removeAll(`${root}/`), names.filter((name) => !name.includes('/')).length);
    });

    it('the last of two writes wins', async (t) => {
      const key = `${fresh()}/a`;
      await objects.put(key, Buffer.from('one'), { ...png, metadata: { n: '1' } });
      await objects.put(key, Buffer.from('three'), { contentType: 'image/webp' });
      const got = await objects.get(key);
      t.equal((await bytesOf(got?.body ?? pieces([]))).toString(), 'three');
      t.match(got, { contentType: 'image/webp', metadata: {}, size: 5 });
    });

    it('a reader that has begun reads its object to the end, whatever is written or removed', async (t) => {
      const key = `${fresh()}/a`;
      const old = randomBytes(4 * MIB);
      await objects.put(key, old, png);
      const readers = await Promise.all([objects.get(key), objects.get(key)]);
      await objects.put(key, randomBytes(5 * MIB), png);
      await objects.remove([key]);
      for (const got of readers) t.ok(old.equals(await bytesOf(got?.body ?? pieces([]))));
    });

    it('readers during writes see one of the objects, never a mixture', async (t) => {
      const key = `${fresh()}/a`;
      const bodies = [1, 2, 3, 4].map((n) => Buffer.alloc(n * 100_000, n));
      await objects.put(key, bodies[0] ?? Buffer.alloc(0), png);
      const writers = bodies.map(async (body) => {
        for (let round = 0; round < 5; round++) await objects.put(key, body, png);
      });
      const readers = Array.from({ length: 20 }, async () => {
        const got = await objects.get(key);
        const bytes = await bytesOf(got?.body ?? pieces([]));
        t.equal(createHash('md5').update(bytes).digest('hex'), got?.etag);
        t.ok(bodies.some((body) => body.equals(bytes)));
      });
      await Promise.all([...writers, ...readers]);
    });

    it('ifAbsent refuses a taken key and leaves its object alone', async (t) => {
      const key = `${fresh()}/a`;
      t.ok(await objects.put(key, Buffer.from('first'), { ...png, ifAbsent: true }));
      for (const body of [Buffer.from('second'), pieces(['third'])])
        t.equal(await objects.put(key, body, { ...png, ifAbsent: true }), undefined);
      t.equal((await objects.head(key))?.size, 5);
    });

    it('of 20 writers with ifAbsent at once, one wins', async (t) => {
      const key = `${fresh()}/a`;
      const bodies = Array.from({ length: 20 }, (_, n) => Buffer.from(`writer ${n}`));
      const results = await Promise.all(
        bodies.map((body) => objects.put(key, body, { ...png, ifAbsent: true })),
      );
      const won = results.filter((result) => result !== undefined);
      t.equal(won.length, 1);
      t.equal((await objects.head(key))?.etag, won[0]?.etag);
    });

    conditionCases(it, objects, fresh);

    it('ifAbsent on a large stream refuses a taken key', async (t) => {
      const key = `${fresh()}/a`;
      await objects.put(key, Buffer.from('first'), png);
      t.equal(await objects.put(key, zeros(9), { ...png, ifAbsent: true }), undefined);
      t.equal((await objects.head(key))?.size, 5);
      t.same(await under.leftovers(), []);
    });

    it('streams 12 MB of unknown length in and out', async (t) => {
      const key = `${fresh()}/big`;
      const bytes = randomBytes(12_000_000);
      const put = await objects.put(
        key,
        pieces([bytes.subarray(0, 7), bytes.subarray(7, 9_000_000), bytes.subarray(9_000_000)]),
        png,
      );
      t.equal(put?.size, bytes.length);
      const got = await objects.get(key);
      t.equal(got?.etag, put?.etag);
      t.equal(got?.size, bytes.length);
      t.ok(bytes.equals(await bytesOf(got?.body ?? pieces([]))));
    });

    it('a body that fails leaves nothing behind, and its error reaches the caller', async (t) => {
      const error = new Error('the client left');
      for (const mebibytes of [0, 1, 17]) {
        const key = `${fresh()}/a`;
        t.equal(
          await rejection(
            objects.put(
              key,
              zeros(mebibytes, () => Promise.reject(error)),
              png,
            ),
          ),
          error,
        );
        t.equal(await objects.head(key), undefined, `after ${mebibytes} MiB`);
      }
    });

    it('a body that fails leaves the object of before', async (t) => {
      const key = `${fresh()}/a`;
      await objects.put(key, Buffer.from('before'), png);
      await rejection(
        objects.put(
          key,
          zeros(9, () => Promise.reject(new Error('gone'))),
          png,
        ),
      );
      t.equal((await objects.head(key))?.size, 6);
    });

    it('an aborted write of a silent body rejects with the reason and leaves nothing behind', async (t) => {
      for (const mebibytes of [0, 1, 17]) {
        const key = `${fresh()}/a`;
        const abort = new AbortController();
        const reason = new Error('deadline');
        const body = zeros(mebibytes, async () => {
          setTimeout(() => abort.abort(reason), 20);
          await sleep(60_000, undefined, { ref: false });
        });
        t.equal(await rejection(objects.put(key, body, png, abort.signal)), reason);
        t.equal(await objects.head(key), undefined, `after ${mebibytes} MiB`);
      }
    });

    it('writers that failed have left neither parts nor files', async (t) => {
      await rejection(
        objects.put(
          `${fresh()}/a`,
          zeros(17, () => Promise.reject(new Error('gone'))),
          png,
        ),
      );
      t.same(await under.leftovers(), []);
    });

    it('an aborted signal ends each call with its reason', async (t) => {
      const reason = new Error('too late');
      const signal = AbortSignal.abort(reason);
      const key = `${fresh()}/a`;
      for (const call of callsOf(objects, key, signal)) t.equal(await rejection(call()), reason);
      t.equal(await objects.head(key), undefined);
    });

    it('an unreachable backend is a Problem with a cause', async (t) => {
      for (const call of callsOf(under.unreachable, `${fresh()}/a`)) {
        const error = await rejection(call());
        t.match(error, { code: 'store_unavailable' });
        t.ok(error instanceof Error && error.cause instanceof Error);
      }
    });

    it('aborting while a body is read fails the read with the reason', async (t) => {
      const key = `${fresh()}/a`;
      await objects.put(key, randomBytes(8 * MIB), png);
      const abort = new AbortController();
      const reason = new Error('the client left');
      const got = await objects.get(key, abort.signal);
      const reading = async () => {
        for await (const _chunk of got?.body ?? []) abort.abort(reason);
      };
      t.equal(await rejection(reading()), reason);
    });

    it('a destroyed body frees what it held', async (t) => {
      const key = `${fresh()}/a`;
      await objects.put(key, randomBytes(2 * MIB), png);
      for (let n = 0; n < 120; n++) (await objects.get(key))?.body.destroy();
      t.equal((await objects.head(key))?.size, 2 * MIB);
    });

    listingCases(it, objects, under.keyCount ?? 1_050);

    it('answers a ping', async (t) => {
      await t.resolves(objects.ping());
    });
  });
}

function callsOf(objects: Objects, key: string, signal?: AbortSignal): (() => Promise<unknown>)[] {
  return [
    () => objects.head(key, signal),
    () => objects.get(key, signal),
    () => objects.put(key, Buffer.from('x'), png, signal),
    () => objects.put(key, pieces(['x']), png, signal),
    () => objects.remove([key], signal),
    () => objects.removeAll(key, signal),
    () => objects.list({ prefix: key, limit: 1 }, signal),
    () => objects.ping(signal),
  ];
}

/** Mebibytes of zeros, then whatever `end` does. */
async function* zeros(mebibytes: number, end?: () => Promise<void>): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < mebibytes; n++) yield Buffer.alloc(MIB);
  await end?.();
}
