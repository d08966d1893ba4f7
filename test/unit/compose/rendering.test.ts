import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { compileLater, openRendering } from '../../../server/compose/rendering.ts';
import { openStores } from '../../../server/compose/stores.ts';
import { loadConfig } from '../../../server/config/settings.ts';
import { compiledModules } from '../../../server/sandbox/compiled.ts';
import { toFile } from '../../../server/stores/to-file.ts';
import { corpus } from '../../support/corpus.ts';
import { mountDisk } from '../../support/disk.ts';
import { waitFor } from '../../support/wait.ts';

t.test(
  'a program that has come up sees to it that the render processes of the next find all compiled',
  async () => {
    compileLater(pino({ level: 'silent' }), 0);
    await waitFor(() => compiledModules() !== undefined);
  },
);

t.test('an original on a disk that turns read-only is read by render processes all the same', async (t) => {
  const disk = await mountDisk(t, 16 * 2 ** 20);
  if (!disk) return;
  const stores = await openStores(loadConfig({ DATA_DIR: disk.folder, MIN_FREE_BYTES: '0' }));
  await stores.originals.put('a', await corpus('samples/ladybug.jpg'), { contentType: 'image/jpeg' });
  const { pool, scratch, close } = await openRendering(
    { renderSlots: 1, renderNice: 0 },
    stores,
    () => undefined,
  );
  const bounds = { maxCpuMs: 60_000, maxWallMs: 60_000, maxResidentBytes: 2 ** 30 };
  const read = async () => {
    const path = scratch.path();
    const facts = await toFile(stores.originals, { key: 'a', path, maxBytes: 2 ** 24 });
    t.match(await pool.run('open', { original: { path, bytes: facts?.size ?? 0 } }, bounds), {
      format: 'jpeg',
    });
    return dirname(path);
  };
  t.equal(await read(), scratch.folder);
  stores.close();
  disk.readOnly(true);
  t.equal(await read(), scratch.spare);
  disk.readOnly(false);
  t.equal(await read(), scratch.folder, 'and where it costs nothing, once that can be written again');
  await close();
  for (const folder of [scratch.folder, scratch.spare ?? '']) t.notOk(existsSync(folder));
});
