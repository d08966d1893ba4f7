import pino from 'pino';
import t from 'tap';
import { composeCore } from '../../../server/compose/core.ts';
import { openStores } from '../../../server/compose/stores.ts';
import { loadConfig } from '../../../server/config/settings.ts';
import type { RenderPool } from '../../../server/sandbox/pool.ts';
import { noise } from '../../support/api.ts';
import { PATIENT } from '../../support/env.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { sharedRendering } from '../../support/rendering.ts';
import { altered } from '../../support/warmer.ts';

t.test('a mark with a new text is drawn once for any number of sizes, in a slot for renders', async (t) => {
  const DATA_DIR = await temporaryFolder();
  const config = loadConfig({ ...PATIENT, DATA_DIR, WATERMARKS: 'tag=tag.svg' });
  const stores = await openStores(config);
  t.teardown(async () => {
    stores.close();
    await removeFolder(DATA_DIR);
  });
  const rendering = await sharedRendering();
  const slots: number[] = [];
  const run: RenderPool['run'] = (kind, asks, options) => {
    if (kind === 'mark') slots.push(core.admissions.render.load.holders);
    return rendering.pool.run(kind, asks, options);
  };
  const watched = { ...rendering, pool: altered(rendering.pool, { run }) };
  const core = composeCore(config, stores, watched, pino({ level: 'silent' }));
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 20"><text y="15">{text}</text></svg>';
  await stores.originals.put('tag.svg', Buffer.from(svg), { contentType: 'image/svg+xml' });
  await stores.originals.put('a', await noise(60, 40, 1), { contentType: 'image/jpeg' });
  const original = await core.originals.fetch('a');
  const text = Buffer.from('19.90').toString('base64url');
  const rendered = await Promise.all(
    [10, 20, 30, 40, 50].map((w) =>
      core.renderer.render('a', original, {
        canonical: `fmt=png&w=${w}&wm=tag&wmx=${text}`,
        priority: 'live',
      }),
    ),
  );
  original.release();
  t.equal(rendered.length, 5);
  t.same(slots.length, 1, 'drawn once');
  t.ok(
    slots.every((holders) => holders > 0),
    'in a slot',
  );
});
