import t from 'tap';
import { exampleUrls, putSamples } from '../../../server/cli/first-start.ts';
import { loadConfig } from '../../../server/config/settings.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { startServer } from '../../support/server.ts';

const SIGNED = {
  SIGNATURES: 'required',
  SIGNING_KEYS: `main=${'ab'.repeat(16)}`,
  API_TOKENS: `a=read:${'0'.repeat(64)}`,
};

t.test('a first start has pictures to show, by URLs that its own settings serve', async (t) => {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  await putSamples(loadConfig({ DATA_DIR }));
  await putSamples(loadConfig({ DATA_DIR }));
  for (const [env, shape] of [
    [{}, /\?w=800$/],
    [{ ALLOWED_WIDTHS: '160,320' }, /\?w=320$/],
    [{ PRESETS_ONLY: '1' }, /\?p=card$/],
    [SIGNED, /[?&]sig=/],
  ] as const) {
    const config = loadConfig({ DATA_DIR, ...env });
    const server = await startServer({ DATA_DIR, ...env });
    const urls = await exampleUrls(config, server.base);
    t.equal(urls.length, 6, JSON.stringify(env));
    for (const url of urls) {
      t.match(url, shape);
      const answer = await fetch(url);
      t.equal(answer.status, 200, url);
      await answer.body?.cancel();
    }
    await server.close();
  }
});

t.test('nothing is put where pictures are there already, and nothing shown that is none', async (t) => {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  const server = await startServer({ DATA_DIR });
  t.teardown(() => server.close());
  await server.put('notes.txt', Buffer.from('no picture'));
  const config = loadConfig({ DATA_DIR });
  await putSamples(config);
  t.same(await exampleUrls(config, server.base), []);
  t.same(await exampleUrls({ ...config, presetsOnly: true, presets: {} }, server.base), []);
});
