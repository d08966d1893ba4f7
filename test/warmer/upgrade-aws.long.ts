import { createHash } from 'node:crypto';
import sharp from 'sharp';
import t from 'tap';
import { corpus } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { isDrained, warmerOf } from '../support/warmer.ts';

const FORMS = ['w=200&fmt=webp', 'w=210&fmt=avif', 'w=220&fmt=png'];
const IMAGES = 4;

t.test(
  'over S3, DynamoDB and SQS: what was made on request becomes smaller once, and nobody is served a mixture',
  async (t) => {
    const env = await emulated(t, await startRecords());
    if (!env) return;
    const warmer = await warmerOf(t, { ...env, VISIBILITY_SECONDS: '60' });
    const [server, other] = [await startServer(env), await startServer(env)];
    t.teardown(() => Promise.all([server.close(), other.close()]));
    const photo = sharp(await corpus('photos/kodim23.png'));
    const paths: string[] = [];
    for (let index = 0; index < IMAGES; index++) {
      const id = `page/${index}.jpg`;
      const crop = { left: 20 * index, top: 10 * index, width: 400, height: 300 };
      await warmer.ask(id, await photo.clone().extract(crop).jpeg().toBuffer(), []);
      paths.push(...FORMS.map((query) => `/img/${id}?${query}`));
    }
    /** Every ETag that a URL was served with, in the order in which they came. */
    const seen = new Map<string, string[]>();
    const wrong: string[] = [];
    const ask = async (path: string, { get } = server): Promise<number> => {
      const answer = await get(path);
      const bytes = await bytesOf(answer);
      const etag = answer.headers.get('etag') ?? '';
      if (etag !== `"${createHash('md5').update(bytes).digest('hex')}"`) wrong.push(`${path} ${etag}`);
      const etags = seen.get(path) ?? [];
      if (etags.at(-1) !== etag) seen.set(path, [...etags, etag]);
      return bytes.length;
    };
    const first = await Promise.all(paths.map((path) => ask(path)));
    await server.composed.images.settle();
    await server.composed.upgrades.flush();
    let isOver = false;
    const asking = (async () => {
      while (!isOver) for (const path of paths) await ask(path);
    })();
    await warmer.until(() => isDrained(warmer.stores));
    isOver = true;
    await asking;
    const then = await Promise.all(paths.map((path) => ask(path)));
    const elsewhere = await Promise.all(paths.map((path) => ask(path, other)));
    t.same(wrong, [], 'each ETag is that of its bytes');
    t.same(elsewhere, then, 'another server says the same');
    const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
    t.ok(sum(then) < sum(first), `${sum(first)} bytes became ${sum(then)}`);
    t.ok(
      then.every((size, index) => size <= (first[index] ?? 0)),
      'none became larger',
    );
    for (const [path, etags] of seen) t.ok(etags.length <= 2, `${path}: ${etags.join(' then ')}`);
    await server.composed.images.settle();
    await server.composed.upgrades.flush();
    t.ok(await isDrained(warmer.stores), 'nothing is left to become smaller');
  },
);
