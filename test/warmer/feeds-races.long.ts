import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Stores } from '../../server/stores/stores.ts';
import { call, form } from '../support/api.ts';
import { altered, createWarmer } from '../support/warmer.ts';
import { ask, feedOf, picture, watched } from './feeds.ts';

const COUNT = 60;

/** Stores that have `act` done before the k-th call that is about an id. */
function interrupted(stores: Stores, id: string, before: () => Promise<void>): Stores {
  const about = async (one: string) => {
    if (one === id) await before();
  };
  const { images } = stores.records;
  const { originals } = stores;
  const watchedImages = altered(images, {
    get: async (one) => about(one).then(() => images.get(one)),
    update: async (one, ...rest) => about(one).then(() => images.update(one, ...rest)),
    bury: async (one, ...rest) => about(one).then(() => images.bury(one, ...rest)),
  });
  return {
    ...stores,
    records: altered(stores.records, { images: watchedImages }),
    originals: altered(originals, {
      head: async (key, ...rest) => about(key).then(() => originals.head(key, ...rest)),
      copy: async (from, to, ...rest) => about(to).then(() => originals.copy(from, to, ...rest)),
    }),
  };
}

for (const what of ['changes', 'vanishes'] as const)
  t.test(`a person replaces a picture at any moment while its file ${what}: theirs stays`, async (t) => {
    const { env, DATA_DIR, server, write, look } = await watched(t, {
      IMPORT_HOSTS: '',
      IMPORT_PRIVATE: '0',
    });
    const folder = join(DATA_DIR, 'folder');
    await mkdir(folder);
    for (let n = 0; n < COUNT; n++) await writeFile(join(folder, `${n}.jpg`), await picture(n + 1));
    await write({ name: 'f', kind: 'folder', from: folder, prefix: '', vanished: 'delete' });
    await look();
    t.match(await feedOf(server, 'f'), { status: 'ok', run: { new: COUNT } });
    let [isWhole, k, replaced] = [false, 0, 0];
    for (; !isWhole && k < COUNT; k++) {
      const [id, bytes] = [`${k}.jpg`, await picture(1000 + k)];
      const path = join(folder, id);
      await (what === 'changes' ? writeFile(path, await picture(2000 + k)) : rm(path));
      let [calls, status] = [0, 0];
      const put = async () => {
        if (calls++ !== k) return;
        status = (await call(server, 'PUT', `/api/images/${id}/original`, form([['file', bytes]]))).status;
      };
      await ask(server, 'f');
      const warmer = await createWarmer(env, (stores) => interrupted(stores, id, put));
      await warmer.watching?.run();
      await warmer.watching?.stop();
      await warmer.close();
      isWhole = calls <= k;
      if (status === 0 || status >= 300) continue;
      replaced += 1;
      const [record, object] = await Promise.all([
        server.stores.records.images.get(id),
        server.stores.originals.get(id),
      ]);
      const stored = await object?.bytes();
      t.ok(stored?.equals(bytes), `call ${k}: what was put lies there`);
      t.equal(record?.version, object?.etag, `call ${k}`);
    }
    t.ok(isWhole, 'there was a moment behind the last');
    t.ok(replaced > 1, `${replaced} of ${k} moments`);
  });
