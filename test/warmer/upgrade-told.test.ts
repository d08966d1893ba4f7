import sharp from 'sharp';
import t, { type Test } from 'tap';
import type { Stores } from '../../server/stores/stores.ts';
import { corpus } from '../support/corpus.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { altered, isDrained, type TestWarmer, warmerOf } from '../support/warmer.ts';

const photo = await sharp(await corpus('photos/kodim23.png'))
  .resize(320)
  .jpeg()
  .toBuffer();
const SMALL = '/img/a?w=200&fmt=webp';
/** Stored as the one without a width. */
const WIDE = '/img/a?w=4000&fmt=webp';

const idle = (warmer: TestWarmer) => warmer.until(() => isDrained(warmer.stores));

/** What has been told of by a server, done by a warmer. */
async function upgrade(
  t: Test,
  by: TestServer,
  env: Record<string, string>,
  alter?: (stores: Stores) => Stores,
) {
  await by.composed.images.settle();
  await by.composed.upgrades.flush();
  const warmer = await warmerOf(t, env, alter);
  await idle(warmer);
  return warmer;
}

/** One image, and servers over its stores. */
async function imageOf(t: Test) {
  const warmer = await warmerOf(t, {});
  const env = { DATA_DIR: warmer.config.dataDir ?? '' };
  const serve = async (alter?: (stores: Stores) => Stores) => {
    const server = await startServer(env, {}, alter);
    t.teardown(() => server.close());
    return server;
  };
  await warmer.ask('a', photo, []);
  return { warmer, env, serve };
}

async function tagOf(server: TestServer, path: string): Promise<string | null> {
  const response = await server.get(path);
  await response.arrayBuffer();
  return response.headers.get('etag');
}
const tagsOf = async (server: TestServer, paths: readonly string[]) => {
  const tags: (string | null)[] = [];
  for (const path of paths) tags.push(await tagOf(server, path));
  return tags;
};

t.test('a bucket that fails once, right after an upgrade, pins nothing', async (t) => {
  const { env, serve } = await imageOf(t);
  let isAway = false;
  const faulty = () =>
    serve((stores) => {
      const get: typeof stores.results.get = async (...call) => {
        if (isAway) throw new Error('The bucket is away.');
        return stores.results.get(...call);
      };
      return { ...stores, results: altered(stores.results, { get, getAtOnce: () => undefined }) };
    });
  // One for each, since three failures in a row are a bucket that nobody asks for a while.
  const asked = [
    { server: await faulty(), path: SMALL },
    { server: await faulty(), path: WIDE },
  ];
  const tags = () => Promise.all(asked.map(({ server, path }) => tagOf(server, path)));
  const first = await tags();
  for (const { server } of asked) {
    await server.composed.images.settle();
    await server.composed.upgrades.flush();
  }
  await idle(await warmerOf(t, env));
  isAway = true;
  t.same(await tags(), first, 'better the former than none');
  isAway = false;
  const then = await tags();
  t.same(then, await tagsOf(await serve(), [SMALL, WIDE]), 'as everywhere');
  for (const [index, tag] of then.entries()) t.not(tag, first[index]);
});

t.test('what was read before the version was known is not taken for newer than it is', async (t) => {
  const { env, serve } = await imageOf(t);
  const first = await serve();
  const tag = await tagOf(first, SMALL);
  await first.composed.images.settle();
  let replaced: Promise<unknown> | undefined;
  const late = await serve((stores) => {
    const { results, records } = stores;
    const get: typeof results.get = async (...call) => {
      const found = await results.get(...call);
      replaced ??= upgrade(t, first, env);
      return found;
    };
    const image: typeof records.images.get = async (id) => {
      await waitFor(async () => replaced !== undefined);
      await replaced;
      return records.images.get(id);
    };
    const images = altered(records.images, { get: image });
    return {
      ...stores,
      results: altered(results, { get, getAtOnce: () => undefined }),
      records: altered(records, { images }),
    };
  });
  t.equal(await tagOf(late, SMALL), tag, 'as it was when it was asked for');
  const now = await tagOf(await serve(), SMALL);
  t.not(now, tag);
  t.equal(await tagOf(late, SMALL), now);
});

t.test('an upgrade that was not told of is told when its job comes again', async (t) => {
  const { warmer, env, serve } = await imageOf(t);
  const server = await serve();
  const [first] = await tagsOf(server, [SMALL, '/img/a?w=210&fmt=webp']);
  let failures = 0;
  await upgrade(t, server, env, (stores) => {
    const { images } = stores.records;
    const update: typeof images.update = async (id, revision, change) => {
      if ('upgraded' in change && failures++ === 0) throw new Error('The records are away.');
      return images.update(id, revision, change);
    };
    return { ...stores, records: altered(stores.records, { images: altered(images, { update }) }) };
  });
  t.ok(failures > 1);
  const now = await tagOf(server, SMALL);
  t.not(now, first);
  t.equal(now, await tagOf(await serve(), SMALL));
  t.equal((await warmer.stores.jobs.depth()).dead, 0);
});

t.test('while a job lasts, no server says anything else than what lies in the bucket', async (t) => {
  const { warmer, env, serve } = await imageOf(t);
  const server = await serve();
  // Of different sizes and formats: they are made one after the other.
  const paths = [SMALL, '/img/a?w=300&fmt=png', '/img/a?w=90&fmt=avif', '/img/a?w=60&rot=90&fmt=webp'];
  const first = await tagsOf(server, paths);
  const { updatedAt } = (await warmer.stores.records.images.get('a')) ?? {};
  const seen: (string | null)[][] = [];
  await upgrade(t, server, env, (stores) => {
    const { images } = stores.records;
    const update: typeof images.update = async (id, revision, change) => {
      const changed = await images.update(id, revision, change);
      if ('upgraded' in change) seen.push(await tagsOf(server, paths));
      return changed;
    };
    return { ...stores, records: altered(stores.records, { images: altered(images, { update }) }) };
  });
  const last = await tagsOf(server, paths);
  const changed = last.filter((tag, index) => tag !== first[index]).length;
  t.ok(changed >= 2, `${changed}`);
  t.equal(seen.length, changed, 'told of each');
  t.not(seen[0]?.join(), last.join(), 'the first of them before the last was made');
  t.equal(
    (await warmer.stores.records.images.get('a'))?.updatedAt,
    updatedAt,
    'and the image is the same as ever',
  );
});
