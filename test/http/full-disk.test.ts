import t from 'tap';
import { corpus } from '../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { startServer } from '../support/server.ts';

const NEVER = new AbortController().signal;
const VARIANT = { id: 'a', canonical: 'fmt=webp&w=64' };
const URL = '/img/a?w=64&fmt=webp';

t.test(
  'on a full disk that was slow once, a URL keeps the ETag that all other servers have for it',
  async (t) => {
    const DATA_DIR = await temporaryFolder();
    t.teardown(() => removeFolder(DATA_DIR));
    const first = await startServer({ DATA_DIR, VERSION_SECONDS: '60', MIN_FREE_BYTES: '0' });
    await first.put('a', await corpus('samples/ladybug.jpg'));
    const { images, core } = first.composed;
    // Another picture under the version of the first: what a warmer with other settings makes.
    const { version } = await core.originals.identify('a');
    const { result } = await images.find({ id: 'a', canonical: 'fmt=webp&w=65' }, NEVER);
    await images.settle();
    await core.results.keep({ ...result, ...VARIANT, version }, async () => true);
    await first.close();
    const full = { DATA_DIR, VERSION_SECONDS: '60', MIN_FREE_BYTES: '4000000GiB', LOOKUP_MS: '300' };
    const second = await startServer(full);
    t.teardown(() => second.close());
    const { results } = second.stores;
    const get = results.get.bind(results);
    // Later than LOOKUP_MS, as long as it renders.
    const rendered = Promise.withResolvers<void>();
    results.get = (...given) => rendered.promise.then(() => get(...given));
    t.equal((await second.get(URL)).headers.get('x-image-cache'), 'miss');
    rendered.resolve();
    results.get = get;
    await second.composed.images.settle();
    for (let lap = 0; lap < 3; lap++)
      t.equal((await second.get(URL)).headers.get('etag'), `"${result.etag}"`);
  },
);
