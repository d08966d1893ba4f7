import t from 'tap';
import { noise, playWarmer } from '../support/api.ts';
import { noChromium } from '../support/chromium.ts';
import { clipboard, closeBrowser, drop, visit } from '../support/playground.ts';

t.teardown(closeBrowser);

t.test('from a dropped file to a copied snippet', { skip: noChromium }, async (t) => {
  const { server, page, faults } = await visit(t);
  await page.locator('.drop').waitFor();
  await drop(page, [{ name: 'rose.jpg', type: 'image/jpeg', bytes: await noise(500, 400) }]);
  const upload = page.locator('[data-upload="rose.jpg"]');
  await upload.locator('.variant.queued').first().waitFor();
  const variants = await server.stores.records.variants.list('rose.jpg');
  t.equal(await upload.locator('details .variant').count(), variants.length, 'each variant of every preset');
  await playWarmer(server, 'rose.jpg');
  await upload.getByText('ready ·').waitFor();
  t.equal(await upload.locator('details .variant.ready').count(), variants.length);
  await page.locator('.thumbnail', { hasText: 'rose' }).click();
  await page.locator('.canvas img').waitFor();
  await page.getByLabel('Width', { exact: true }).fill('300');
  await page.waitForURL(/#rose\.jpg\?w=300$/);
  await page.getByRole('tab', { name: 'Code' }).click();
  await page.locator('#snippet', { hasText: '500w' }).waitFor();
  await page.getByRole('button', { name: 'Copy code' }).click();
  await page.getByRole('button', { name: 'Copied.' }).waitFor();
  const snippet = await clipboard(page);
  t.match(snippet, `${server.base}/img/rose.jpg?w=500 500w"`);
  t.notMatch(snippet, /640w/, 'nothing wider than the picture');
  const [, src = ''] = /src="([^"]+)"/.exec(snippet) ?? [];
  t.equal((await fetch(src)).status, 200);
  t.same(faults, []);
});
