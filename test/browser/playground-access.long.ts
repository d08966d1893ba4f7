import { createHash } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t from 'tap';
import { noise } from '../support/api.ts';
import { noChromium } from '../support/chromium.ts';
import { removeFolder } from '../support/folders.ts';
import { clipboard, closeBrowser, drop, violations, visit } from '../support/playground.ts';
import { waitFor } from '../support/wait.ts';

t.teardown(closeBrowser);

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
const API_TOKENS = `w=write:${hashOf('w-token')};r=read:${hashOf('r-token')}`;
const SIGNED = { SIGNATURES: 'required', SIGNING_KEYS: `k=${'ab'.repeat(32)}`, API_TOKENS };

const putRose = async ({ put }: { put: (id: string, bytes: Buffer) => Promise<void> }) =>
  put('samples/ladybug.jpg', await noise(500, 400));

async function typeToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('API token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Use', exact: true }).click();
}

const openSample = (page: Page) => page.locator('.thumbnail', { hasText: 'ladybug' }).click();
const isShown = (page: Page) => page.locator('.canvas img').waitFor();

t.test('with tokens: pictures at once, the rest once one is typed in', { skip: noChromium }, async (t) => {
  const { page, server, faults } = await visit(t, { env: { API_TOKENS }, prepare: putRose });
  await page.getByText('This call needs a bearer token.').waitFor();
  t.same(await violations(page), []);
  await openSample(page);
  await isShown(page);
  t.equal(await page.getByLabel('Search pictures').count(), 0, 'nothing that would be refused');
  await typeToken(page, 'wrong');
  await page.getByText('The bearer token is not accepted.').waitFor();
  await typeToken(page, 'w-token');
  await page.getByLabel('Search pictures').waitFor();
  await drop(page, [{ name: 'new.jpg', type: 'image/jpeg', bytes: await noise(40, 30) }]);
  await page.locator('[data-upload="new.jpg"] .variant').first().waitFor();
  t.ok(await server.stores.records.images.get('new.jpg'));
  await page.reload();
  await page.getByLabel('Search pictures').waitFor();
  t.equal(await page.getByLabel('API token', { exact: true }).count(), 0, 'kept until the tab is closed');
  t.same(faults, []);
});

t.test('a token that may only read looks, and is told what it lacks', { skip: noChromium }, async (t) => {
  const { page } = await visit(t, { env: { API_TOKENS }, prepare: putRose });
  await typeToken(page, 'r-token');
  await page.getByLabel('Search pictures').waitFor();
  await drop(page, [{ name: 'new.jpg', type: 'image/jpeg', bytes: await noise(40, 30) }]);
  await page.getByText('This call needs the scope "write".').first().waitFor();
});

t.test(
  'signatures: the API signs what is shown, and what is copied is served',
  { skip: noChromium },
  async (t) => {
    const { page, server, faults } = await visit(t, { env: SIGNED, prepare: putRose });
    await typeToken(page, 'w-token');
    await openSample(page);
    await isShown(page);
    await page.locator('.presets img').first().waitFor();
    await page.getByLabel('Width', { exact: true }).fill('200');
    await page.locator('#url', { hasText: 'w=200' }).waitFor();
    await waitFor(async () => ((await page.locator('.facts').textContent()) ?? '').includes('200 ×'));
    await page.getByRole('button', { name: 'Copy URL' }).click();
    await page.getByRole('button', { name: 'Copied.' }).waitFor();
    const url = await clipboard(page);
    t.match(url, /kid=k&sig=/);
    t.equal((await fetch(url)).status, 200);
    t.equal((await server.get('/img/samples/ladybug.jpg?w=200')).status, 403);
    await page.getByRole('tab', { name: 'Code' }).click();
    for (const kind of ['img srcset', 'picture']) {
      await page.getByText(kind, { exact: true }).click();
      await page.locator('#snippet', { hasText: kind === 'picture' ? '<picture>' : '<img' }).waitFor();
      const text = ((await page.locator('#snippet').textContent()) ?? '').replaceAll('&amp;', '&');
      const urls = [...text.matchAll(/http\S+?(?=[" ])/g)].map(([address]) => address);
      t.ok(urls.length > 4);
      for (const address of urls) t.equal((await fetch(address)).status, 200, address);
    }
    await page.getByText('Next', { exact: true }).click();
    await page.getByText(/a loader in a page has no key/).waitFor();
    for (const tab of ['Before / after', 'Formats']) {
      await page.getByRole('tab', { name: tab }).click();
      await page
        .locator(tab === 'Formats' ? '.format img' : '.compare .after')
        .first()
        .waitFor();
    }
    t.same(faults, []);
  },
);

t.test('presets only: what is served is offered, and nothing else', { skip: noChromium }, async (t) => {
  const env = { PRESETS_ONLY: '1' };
  const { page, faults } = await visit(t, { env, prepare: putRose });
  await openSample(page);
  await isShown(page);
  t.match(page.url(), /\?p=thumb$/, 'it opens with a preset');
  t.equal(await page.getByRole('alert').count(), 0);
  t.equal(await page.getByLabel('Width', { exact: true }).count(), 0);
  t.same(await violations(page), []);
  await page.getByRole('button', { name: 'card' }).click();
  await page.waitForURL(/\?p=card$/);
  await page.getByLabel('Format', { exact: true }).selectOption('webp');
  await waitFor(async () => ((await page.locator('.facts').textContent()) ?? '').includes('webp'));
  await page.getByRole('tab', { name: 'Code' }).click();
  await page.locator('#snippet', { hasText: '2x' }).waitFor();
  const text = ((await page.locator('#snippet').textContent()) ?? '').replaceAll('&amp;', '&');
  for (const [address] of text.matchAll(/http\S+?(?=[" ])/g))
    t.equal((await fetch(address)).status, 200, address);
  await page.getByRole('tab', { name: 'Formats' }).click();
  await page.locator('.format img').first().waitFor();
  t.same(faults, []);
});

t.test('allowed widths: every address that it writes is served', { skip: noChromium }, async (t) => {
  const { page } = await visit(t, { env: { ALLOWED_WIDTHS: '320,640' }, prepare: putRose });
  await openSample(page);
  await isShown(page);
  t.match(page.url(), /\?w=640$/);
  await page.getByRole('tab', { name: 'Code' }).click();
  await page.locator('#snippet', { hasText: '320w' }).waitFor();
  const text = (await page.locator('#snippet').textContent()) ?? '';
  for (const [address] of text.matchAll(/http\S+?(?=[" ])/g))
    t.equal((await fetch(address)).status, 200, address);
});

t.test('a folder that is served as it stands takes no files', { skip: noChromium }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
  t.teardown(() => removeFolder(folder));
  await writeFile(join(folder, 'rose.jpg'), await noise(50, 40));
  const { page, faults } = await visit(t, { env: { ORIGINALS_FOLDER: folder }, path: '/#rose.jpg?w=40' });
  await isShown(page);
  t.equal(await page.locator('.drop').count(), 0);
  t.same(await violations(page), []);
  await page.getByRole('tab', { name: 'Details' }).click();
  await page.getByText('What the server does').waitFor();
  t.equal(await page.getByRole('button', { name: 'Delete' }).count(), 0);
  t.same(faults, []);
});
