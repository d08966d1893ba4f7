import t from 'tap';
import { startServer } from '../support/server.ts';
import { each, newImage } from './suite.ts';

const IMAGES = 20_000;
const PAGES = 20;

t.test('the last page of a folder costs what its first one does', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const { images } = server.stores.records;
  const ids = Array.from({ length: IMAGES }, (_, n) => `p/${String(n).padStart(6, '0')}`);
  await each(ids, (id) => images.create(newImage(id)));
  const cpuOf = async (after: number) => {
    const cursor = Buffer.from(JSON.stringify({ after: ids[after] })).toString('base64url');
    const begun = process.cpuUsage();
    for (let turn = 0; turn < PAGES; turn++) {
      const { items } = await images.list({ limit: 100, prefix: 'p/', cursor });
      t.equal(items[0]?.id, ids[after + 1]);
    }
    return process.cpuUsage(begun).user;
  };
  await cpuOf(0);
  const [first, last] = [await cpuOf(0), await cpuOf(IMAGES - 200)];
  t.ok(last < 3 * first, `${last} us against ${first} us`);
});
