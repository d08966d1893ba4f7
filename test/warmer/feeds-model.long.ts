import { hash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { expire } from '../crash/steps/kills.ts';
import { seeded, seedOfRun } from '../support/seeded.ts';
import { waitFor } from '../support/wait.ts';
import { ask, feedOf, feedsOf, idsOf, picture, watched } from './feeds.ts';
import { killedLook } from './feeds-kills.ts';

const TURNS = 6;
const FILES = 24;

for (const seed of [1, 2, seedOfRun()])
  t.test(
    `seed ${seed}: whatever a folder becomes and wherever its watcher dies, images are its files`,
    async (t) => {
      const random = seeded(seed);
      const draw = (count: number) => Math.floor(random() * count);
      const { env, DATA_DIR, server, write, look } = await watched(t);
      const folder = join(DATA_DIR, 'folder');
      await mkdir(folder);
      const files = new Map<string, Buffer>();
      let pictures = 0;
      const put = async (name: string) => {
        pictures += 1;
        const bytes = await picture(1000 * seed + pictures);
        files.set(name, bytes);
        await writeFile(join(folder, name), bytes);
      };
      for (let n = 0; n < FILES; n++) await put(`${n}.jpg`);
      await write({ name: 'f', kind: 'folder', from: folder, prefix: '', vanished: 'delete' });
      for (let turn = 0; turn < TURNS; turn++) {
        if (turn > 0) await ask(server, 'f');
        await killedLook(env, 1 + draw(60));
        // The lease of the dead one has to end.
        await waitFor(async () => {
          await expire(server.stores);
          await look();
          return (await feedsOf(server))[0]?.status === 'ok';
        });
        const { run } = await feedOf(server, 'f');
        t.same(run?.reasons, []);
        t.match(run, { seen: files.size, failed: 0, pending: 0, held: null }, `turn ${turn}`);
        t.same(await idsOf(server), [...files.keys()].sort());
        for (const [name, bytes] of files) {
          const object = await server.stores.originals.get(name);
          const stored = object && (await object.bytes());
          t.equal(stored && hash('sha1', stored), hash('sha1', bytes), name);
        }
        // One that is gone of some twenty, and some that are new or other ones.
        const gone = [...files.keys()][draw(files.size)] ?? '';
        files.delete(gone);
        await rm(join(folder, gone));
        for (let n = draw(4); n > 0; n--) await put(`new-${turn}-${n}.jpg`);
        for (let n = draw(4); n > 0; n--) await put([...files.keys()][draw(files.size)] ?? '');
      }
    },
  );
