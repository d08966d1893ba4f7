import type { Page } from 'playwright-core';
import t from 'tap';
import { heard, LISTEN, liveRegions, treeOf } from '../support/accessibility.ts';
import { noise, playWarmer } from '../support/api.ts';
import { noChromium } from '../support/chromium.ts';
import { clipboard, closeBrowser, tabTo, visit } from '../support/playground.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

t.teardown(closeBrowser);

/** Waits until the page has said something so many times. */
const said = (page: Page, what: string, times = 1) =>
  waitFor(async () => (await heard(page)).filter((text) => text.includes(what)).length >= times);

/** Chooses a file, by a hand on the keyboard alone. */
async function choose(page: Page, faults: string[], name: string, buffer: Buffer): Promise<void> {
  const open = async () => {
    await tabTo(page, '#files', faults);
    await page.keyboard.press('Enter');
  };
  // Asked for before the way there: that the dialog is to be told of reaches a busy page behind a key that is pressed
  // right after it, and the dialog is then lost. On the way the page is asked where it is, and answers in turn.
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), open()]);
  await chooser.setFiles({ name, mimeType: 'image/jpeg', buffer });
}

for (const width of [375, 1440])
  t.test(
    `at ${width} px by keys and ears alone: from choosing a file to a copied snippet`,
    { skip: noChromium },
    async (t) => {
      const { server, page, faults } = await visit(t, { width, script: LISTEN });
      await page.locator('.drop').waitFor();
      t.ok(
        liveRegions(await treeOf(page)).includes('status: polite'),
        'a region that is read out, while it is empty',
      );
      await choose(page, faults, 'rose.jpg', await noise(500, 400));
      await said(page, 'status: rose.jpg is uploaded.');
      await page.locator('.upload .variant.queued').first().waitFor({ state: 'attached' });
      await playWarmer(server, 'rose.jpg');
      await said(page, 'status: rose.jpg is ready.');
      await tabTo(page, '.upload .name', faults);
      await page.keyboard.press('Enter');
      await page.locator('.canvas img').waitFor();
      await page.keyboard.press('Tab');
      await tabTo(page, '#param-w', faults);
      await page.keyboard.press('Control+A');
      await page.keyboard.type('300');
      await page.waitForURL(/#rose\.jpg\?w=300$/);
      await tabTo(page, '[role=tab][aria-selected=true]', faults);
      for (const _ of ['compare', 'formats', 'code']) await page.keyboard.press('ArrowRight');
      await page.locator('#snippet', { hasText: '500w' }).waitFor();
      await tabTo(page, '[data-copy="snippet"]', faults);
      for (const times of [1, 2]) {
        await page.keyboard.press('Enter');
        await said(page, 'status: Copied.', times);
      }
      t.match(await clipboard(page), `${server.base}/img/rose.jpg?w=500 500w`);
      await tabTo(page, '[role=tab][aria-selected=true]', faults);
      await page.keyboard.press('ArrowRight');
      await tabTo(page, '#title', faults);
      await page.keyboard.press('Control+A');
      await page.keyboard.type('A rose');
      await page.keyboard.press('Enter');
      await said(page, 'status: Saved.');
      t.match(await server.stores.records.images.get('rose.jpg'), { title: 'A rose' });
      t.same(faults, []);
    },
  );

/** What the warmer comes to, in the records. */
const end = async ({ stores }: TestServer, id: string, status: 'partial' | 'failed') => {
  const record = await stores.records.images.get(id);
  if (record) await stores.records.images.update(id, record.revision, { status });
};

t.test('what becomes of a file is said as it is', { skip: noChromium }, async (t) => {
  const { server, page } = await visit(t, { script: LISTEN, env: { MAX_UPLOAD_BYTES: '50k' } });
  await page.locator('.drop').waitFor();
  const files = [
    { name: 'a.jpg', mimeType: 'image/jpeg', buffer: await noise(40, 30) },
    { name: 'b.jpg', mimeType: 'image/jpeg', buffer: await noise(41, 30) },
    { name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') },
    { name: 'huge.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc(60_000) },
  ];
  await page.locator('#files').setInputFiles(files);
  for (const name of ['a.jpg', 'b.jpg']) await said(page, `status: ${name} is uploaded.`);
  await said(page, 'status: no.jpg was refused: ');
  await said(page, 'this deployment takes 50000');
  for (const name of ['a.jpg', 'b.jpg'])
    await page.locator(`[data-upload="${name}"] .variant.queued`).first().waitFor({ state: 'attached' });
  await end(server, 'a.jpg', 'partial');
  await end(server, 'b.jpg', 'failed');
  await said(page, 'status: a.jpg is ready, but for some variants.');
  await said(page, 'status: b.jpg failed.');
  t.notOk((await heard(page)).includes('status: b.jpg is ready.'));
});
