import t, { type Test } from 'tap';
import { scanKeys, scanText } from '../../server/cli/scan.ts';
import { openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import type { Stores } from '../../server/stores/stores.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { temporaryFolder } from '../support/folders.ts';
import { BUCKET_KEYS, UNSERVABLE_KEYS } from '../support/keys.ts';
import { createWarmer } from '../support/warmer.ts';

const inEvent = (key: string): string =>
  encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');

t.test('an object whose key no URL can name is told of and counted, and holds nothing up', async (t) => {
  const testWarmer = await createWarmer();
  t.teardown(() => testWarmer.close());
  const keys = UNSERVABLE_KEYS.map(([key]) => key);
  const records = [...keys, 'gone.jpg'].flatMap((key) =>
    ['ObjectCreated:Put', 'ObjectRemoved:Delete'].map((eventName) => ({
      eventName,
      s3: { object: { key: inEvent(key), eTag: 'e' } },
    })),
  );
  await testWarmer.stores.jobs.send([JSON.stringify({ Records: records })]);
  await testWarmer.until(
    async () =>
      (await testWarmer.stores.jobs.depth()).ready === 0 && testWarmer.lines.some(({ msg }) => msg === 'job'),
  );
  const told = testWarmer.lines.filter(({ msg }) => String(msg).includes('cannot be an id'));
  const outside = UNSERVABLE_KEYS.filter(([key]) => !key.startsWith('.incoming/'));
  t.same(
    told.map(({ key }) => key),
    outside.map(([key]) => key),
  );
  for (const [index, [, reason]] of outside.entries())
    t.match(told[index], { level: 40, reason: new RegExp(reason) });
  t.match(await testWarmer.metrics.text(), `rendition_unservable_keys_total ${outside.length}`);
});

/** The keys that a store takes at all: some refuse what others hold. */
async function fill({ originals }: Stores, keys: readonly string[]): Promise<string[]> {
  const taken: string[] = [];
  for (const key of keys) {
    const put = await originals
      .put(key, Buffer.from('x'), { contentType: 'image/png' })
      .catch(() => undefined);
    if (put) taken.push(key);
  }
  return taken;
}

async function scanned(t: Test, stores: Stores): Promise<void> {
  const bad = await fill(
    stores,
    UNSERVABLE_KEYS.map(([key]) => key),
  );
  const good = await fill(stores, BUCKET_KEYS);
  t.equal(good.length, BUCKET_KEYS.length);
  const counted = bad.filter((key) => !key.startsWith('.incoming/'));
  t.ok(counted.length > 2, counted.join(' '));
  const scan = await scanKeys(stores.originals);
  t.match(scan, { objects: good.length + counted.length, servable: good.length });
  t.equal(
    Object.values(scan.unservable).reduce((sum, { count }) => sum + count, 0),
    counted.length,
  );
  t.match(scanText(scan), /\d+ objects, \d+ can be served\n\d+ not: it /);
}

t.test('a scan says how many keys of a bucket cannot be served, on one machine', async (t) => {
  const stores = await openStores(loadConfig({ DATA_DIR: await temporaryFolder() }));
  t.teardown(() => stores.close());
  await scanned(t, stores);
});

t.test('and in S3', async (t) => {
  const env = await emulated(t, await startRecords());
  if (!env) return;
  const stores = await openStores(loadConfig(env));
  t.teardown(() => stores.close());
  await scanned(t, stores);
});
