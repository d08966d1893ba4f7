import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import t from 'tap';
import { FeedStates } from '../../server/feeds/state.ts';
import { noChromium } from '../support/chromium.ts';
import { closeBrowser, visit } from '../support/playground.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

t.teardown(closeBrowser);

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const startedAt = '2026-11-29T10:00:00.000Z';
const nothing = { seen: 0, new: 0, changed: 0, pending: 0, vanished: 0, failed: 0, reasons: [] };
const SUMMARIES = {
  shop: {
    seen: 240,
    new: 12,
    failed: 1,
    reasons: [{ from: 'https://shop.example/old.jpg', error: 'source_refused: It answers 404.' }],
  },
  blog: { error: 'invalid_feed: https://blog.example/feed: line 3, column 9: Unexpected close tag.' },
  archive: { seen: 9, held: { vanished: 3, of: 12, examples: ['archive/1.jpg', 'archive/2.jpg'] } },
};

async function put({ stores }: TestServer): Promise<void> {
  const states = new FeedStates(stores.records.progress);
  const common = {
    kind: 'rss',
    from: 'https://x/',
    path: undefined,
    next: undefined,
    role: undefined,
    prefix: '',
    everyMinutes: 60,
  } as const;
  const policy = { collection: undefined, vanished: 'delete', recheck: 'always' } as const;
  const feeds = Object.keys(SUMMARIES).map((name) => ({ name, ...common, ...policy }));
  await states.putIndex({ readAt: startedAt, feeds });
  for (const [name, summary] of Object.entries(SUMMARIES))
    await states.put(name, {
      source: name,
      run: 1,
      isRunning: false,
      shards: [],
      documents: {},
      refused: { count: 0, first: [] },
      summary: { startedAt, finishedAt: startedAt, ...nothing, ...summary },
    });
}

t.test(
  'feeds: what went wrong is said, and a person lets go what is held',
  { skip: noChromium },
  async (t) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { server, page, faults } = await visit(t, { prepare: put, colorScheme });
      const feed = (name: string) => page.locator(`[data-feed="${name}"]`);
      await feed('shop').getByText('240 pictures, 1 failed, 12 new').waitFor();
      await feed('shop').getByText('1 picture could not be brought in').click();
      await feed('shop').getByText('It answers 404.').waitFor();
      await feed('blog').getByText('line 3, column 9').waitFor();
      await page.evaluate(AXE);
      const { violations } = await page.evaluate<{ violations: { id: string }[] }>('axe.run()');
      t.same(
        violations.map(({ id }) => id),
        [],
        colorScheme,
      );
      const folder = process.env['SCREENSHOTS'];
      if (folder) await page.screenshot({ path: `${folder}/feeds-${colorScheme}.png` });
      const states = new FeedStates(server.stores.records.progress);
      await page.getByRole('button', { name: 'Run shop now' }).click();
      await feed('shop').getByText('waiting', { exact: true }).waitFor();
      t.notOk((await states.request('shop'))?.letsGoOf);
      await feed('archive').getByText('3 pictures of 12 held').click();
      await page.getByRole('dialog').getByText('archive/1.jpg').waitFor();
      await page.getByRole('button', { name: 'Let them vanish' }).click();
      await waitFor(async () => (await states.request('archive'))?.letsGoOf === 1);
      t.same(faults, []);
    }
  },
);
