import { readFile } from 'node:fs/promises';
import type { Test } from 'tap';
import type { Stores } from '../../server/stores/stores.ts';
import { corpusPath } from '../support/corpus.ts';
import { storedKey } from '../support/results.ts';
import { altered, createWarmer, type TestWarmer } from '../support/warmer.ts';

const before = await readFile(corpusPath('photos/kodim23.png'));
const after = await readFile(corpusPath('photos/harvesters.jpeg'));
const VARIANTS = ['fmt=webp&w=320', 'fmt=jpeg&w=320'];

/** Where the warmer of the old original stands still until that of the new one is done. */
export type Pause = 'in its first render' | 'in its first write';

/**
 * An original is overwritten while a warmer is at work on it, and the new one is completed by another warmer
 * before the first goes on: what is there then is all of the new one.
 */
export async function overwritten(t: Test, env: Record<string, string>, pause: Pause): Promise<void> {
  const two = await createWarmer(env);
  t.teardown(() => two.close());
  const completed = async () => (await two.stores.records.images.get('a'))?.status === 'completed';
  let calls = 0;
  const overwrite = async () => {
    if (++calls > 1) return;
    await two.stores.originals.put('a', after, { contentType: 'image/jpeg' });
    await two.management.reconciler.reconcile('a');
    await two.until(completed);
  };
  const written: unknown[] = [];
  const alter = (stores: Stores): Stores => {
    const variants = altered(stores.records.variants, {
      update: async (...given) => {
        const is = await stores.records.variants.update(...given);
        if (pause === 'in its first render') await overwrite();
        return is;
      },
    });
    const results = altered(stores.results, {
      put: async (...given) => {
        if (pause === 'in its first write') await overwrite();
        written.push(given[2].metadata?.['original-version']);
        return stores.results.put(...given);
      },
    });
    return { ...stores, records: altered(stores.records, { variants }), results };
  };
  const testWarmer = await createWarmer({ ...env, DATA_DIR: two.config.dataDir }, alter);
  t.teardown(() => testWarmer.close());
  await testWarmer.ask('a', before, VARIANTS);
  await testWarmer.until(async () => testWarmer.lines.some(({ msg }) => msg === 'job'));
  const { version } = (await two.stores.records.images.get('a')) ?? {};
  if (pause === 'in its first render')
    t.ok(
      written.every((entry) => entry === version),
      'not for a moment is there an old result',
    );
  await allNew(t, two);
}

async function allNew(t: Test, { stores, variants }: TestWarmer): Promise<void> {
  const record = await stores.records.images.get('a');
  t.match(record, { status: 'completed', original: { format: 'jpeg' } });
  for (const { variant, status, bytes, version } of await variants('a')) {
    t.same({ status, version }, { status: 'ready', version: record?.version }, variant);
    const stored = await stores.results.head(storedKey('a', variant));
    t.match(stored, { size: bytes, metadata: { 'original-version': record?.version } }, variant);
  }
}
