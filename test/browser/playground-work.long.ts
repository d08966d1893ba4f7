import type { Page } from 'playwright-core';
import t from 'tap';
import { noise, playWarmer } from '../support/api.ts';
import { noChromium } from '../support/chromium.ts';
import { clipboard, closeBrowser, drop, tabTo, visit } from '../support/playground.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

t.teardown(closeBrowser);

/** Pictures of which the records know. */
const withImages =
  (...ids: string[]) =>
  async ({ put, composed }: TestServer) => {
    for (const id of ids) {
      await put(id, await noise(500, 400));
      await composed.management?.reconciler.reconcile(id);
    }
  };

const facts = async (page: Page) => (await page.locator('.facts').textContent()) ?? '';
const thumbnail = (page: Page, name: string) => page.locator('.thumbnail', { hasText: name });
const names = (page: Page) => page.locator('.thumbnail .name').allTextContents();

t.test(
  'the address and the form say the same, and Back goes back one thought',
  { skip: noChromium },
  async (t) => {
    const { page, faults } = await visit(t, {
      prepare: withImages('a.jpg'),
      path: '/#a.jpg?width=120&blur=3',
    });
    await page.locator('.canvas img').waitFor();
    t.equal(await page.getByLabel('Width', { exact: true }).inputValue(), '120', 'an alias, too');
    t.equal(await page.getByLabel('Blur', { exact: true }).inputValue(), '3', 'in a group that has opened');
    await page.getByLabel('Width', { exact: true }).fill('200');
    await page.waitForURL(/#a\.jpg\?w=200&blur=3$/);
    await page.getByRole('button', { name: 'Reset Blur' }).click();
    await page.waitForURL(/#a\.jpg\?w=200$/);
    await waitFor(async () => (await facts(page)).includes('200 × 160'));
    await page.goBack();
    await page.waitForURL(/w=200&blur=3$/);
    t.equal(await page.getByLabel('Blur', { exact: true }).inputValue(), '3');
    await page.goBack();
    await waitFor(async () => (await facts(page)).includes('120 × 96'));
    t.equal(await page.getByLabel('Width', { exact: true }).inputValue(), '120');
    await page.goForward();
    await waitFor(async () => (await facts(page)).includes('200 × 160'));
    await page.getByRole('button', { name: 'Reset all' }).click();
    await page.waitForURL(/#a\.jpg$/);
    await waitFor(async () => (await facts(page)).includes('500 × 400'));
    t.same(faults, []);
  },
);

t.test(
  'a value that is refused is said at the picture and at its control',
  { skip: noChromium },
  async (t) => {
    const { page } = await visit(t, { prepare: withImages('a.jpg'), path: '/#a.jpg?w=100' });
    await page.locator('.canvas img').waitFor();
    await page.getByLabel('Width', { exact: true }).fill('9000');
    await page.getByRole('alert').getByText('allowed: 1-8192').waitFor();
    t.equal(await page.locator('.is-wrong').getAttribute('data-field'), 'w');
    await page.getByLabel('Width', { exact: true }).fill('90');
    await waitFor(async () => (await facts(page)).includes('90 × 72'));
    t.equal(await page.getByRole('alert').count(), 0);
  },
);

t.test(
  'focal point and crop are set on the picture, by hand and by keys',
  { skip: noChromium },
  async (t) => {
    const { page, server, faults } = await visit(t, { prepare: withImages('a.jpg'), path: '/#a.jpg?w=100' });
    await page.getByRole('button', { name: 'Focal point', exact: true }).click();
    const picture = page.locator('.overlay img');
    const box = await picture.boundingBox();
    if (!box) return t.fail('no picture');
    await page.mouse.click(box.x + box.width * 0.25, box.y + box.height * 0.75);
    await page.waitForURL(/fp=0\.25,0\.75/);
    await page.getByRole('button', { name: /^Focal point, 25 %/ }).press('ArrowRight');
    await page.keyboard.press('Shift+ArrowUp');
    await page.waitForURL(/fp=0\.26,0\.65/);
    await page.getByRole('button', { name: 'Save with the picture' }).click();
    await page.getByText('Saved.').first().waitFor();
    t.same((await server.stores.records.images.get('a.jpg'))?.focal, { x: 0.26, y: 0.65 });
    t.notMatch(page.url(), /fp=/, 'the stored one holds now');
    await page.getByRole('button', { name: 'Crop', exact: true }).click();
    await page.locator('.rectangle').waitFor();
    const whole = (await picture.boundingBox()) ?? box;
    const at = (x: number, y: number) => [whole.x + whole.width * x, whole.y + whole.height * y] as const;
    await page.mouse.move(...at(0.2, 0.2));
    await page.mouse.down();
    await page.mouse.move(...at(0.5, 0.5), { steps: 3 });
    await page.mouse.move(...at(0.6, 0.7));
    await page.mouse.up();
    const drawn = /rect=r,([\d.]+),([\d.]+),([\d.]+),([\d.]+)/;
    await page.waitForURL(drawn);
    const numbers = (drawn.exec(page.url()) ?? []).slice(1).map(Number);
    for (const [index, wanted] of [0.2, 0.2, 0.4, 0.5].entries())
      t.ok(Math.abs((numbers[index] ?? 0) - wanted) < 0.02, `${numbers[index]} is about ${wanted}`);
    await page.locator('.rectangle').focus();
    await page.keyboard.press('Shift+ArrowRight');
    await waitFor(async () => Number(drawn.exec(page.url())?.[3]) > (numbers[2] ?? 0));
    await waitFor(async () => /\d+ × \d+/.test(await facts(page)));
    await page.getByLabel(/^Left/).fill('10');
    await page.getByLabel(/^Left/).press('Tab');
    await page.waitForURL(/rect=r,0\.1,/);
    await page.getByRole('button', { name: 'Whole picture' }).click();
    await page.waitForURL((url) => !url.href.includes('rect'));
    t.same(faults, []);
  },
);

t.test('the library is searched, paged, collected and emptied', { skip: noChromium }, async (t) => {
  const many = Array.from({ length: 30 }, (_, n) => `shop/${String(n).padStart(2, '0')}.jpg`);
  const { page, server, faults } = await visit(t, { prepare: withImages('Rose.jpg', ...many) });
  await thumbnail(page, '29.jpg').waitFor();
  await page.getByRole('button', { name: 'Show more' }).click();
  await thumbnail(page, 'Rose.jpg').waitFor();
  t.equal((await names(page)).length, 31);
  await page.getByLabel('Search pictures').fill('rOSE');
  await waitFor(async () => (await names(page)).join() === 'Rose.jpg');
  await page.getByLabel('How to search').selectOption('id begins with');
  await page.getByLabel('Search pictures').fill('shop/0');
  await waitFor(async () => (await names(page)).length === 10);
  t.same((await names(page)).slice(0, 2), ['00.jpg', '01.jpg'], 'in the order of ids');
  await page.getByRole('button', { name: 'New collection' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Summer');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  await thumbnail(page, '01.jpg').click();
  await thumbnail(page, '02.jpg').click();
  await page.getByRole('button', { name: 'Collect', exact: true }).click();
  await page.getByRole('button', { name: 'Put in' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const [collection] = (await server.stores.records.collections.list({ limit: 9 })).items;
  t.match(collection, { name: 'Summer', count: 2 });
  await page.getByLabel('Search pictures').fill('');
  await page.getByLabel('Collection').selectOption('Summer (2)');
  await waitFor(async () => (await names(page)).length === 2);
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  await page.getByRole('button', { name: 'All shown' }).click();
  await page.getByRole('button', { name: 'Take out' }).click();
  await page.getByText('Nothing is found here.').waitFor();
  await page.getByRole('button', { name: 'Delete it' }).click();
  await page.getByRole('button', { name: 'Delete collection' }).click();
  await waitFor(async () => (await server.stores.records.collections.list({ limit: 9 })).items.length === 0);
  t.same(faults, []);
});

t.test('a picture is purged and deleted, once one has said so', { skip: noChromium }, async (t) => {
  const { page, server, faults } = await visit(t, {
    prepare: withImages('a.jpg', 'b.jpg'),
    path: '/#a.jpg?w=50',
  });
  await page.locator('.canvas img').waitFor();
  await page.getByRole('tab', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'Purge' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Purge' }).click();
  await page.getByText('1 of 1 purged.').waitFor({ state: 'attached' });
  t.equal((await server.stores.records.images.get('a.jpg'))?.generation, 1);
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.ok(await server.stores.records.images.get('a.jpg'), 'nobody has said so');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await thumbnail(page, 'a.jpg').waitFor({ state: 'detached' });
  t.equal(await server.stores.records.images.get('a.jpg'), undefined);
  await page.getByRole('tab').first().waitFor({ state: 'detached' });
  t.same(await names(page), ['b.jpg']);
  t.same(faults, []);
});

t.test('what is made ahead is followed, and details are edited', { skip: noChromium }, async (t) => {
  const { page, server, faults } = await visit(t, { prepare: withImages('a.jpg'), path: '/#a.jpg?w=50' });
  await page.getByRole('tab', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'Make this one ahead' }).click();
  await page.locator('.details .variant.queued', { hasText: 'w=50' }).first().waitFor();
  await playWarmer(server, 'a.jpg');
  await page.locator('.details .variant.ready', { hasText: 'w=50' }).first().waitFor();
  await page.getByLabel('Title').fill('A rose');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await thumbnail(page, 'A rose').waitFor();
  t.match(await server.stores.records.images.get('a.jpg'), { title: 'A rose' });
  t.same(faults, []);
});

t.test('files are pasted, chosen and refused one by one', { skip: noChromium }, async (t) => {
  const { page, server, faults } = await visit(t, { env: { MAX_UPLOAD_BYTES: '50k' } });
  const upload = (name: string) => page.locator(`[data-upload="${name}"]`);
  await page.locator('.drop').waitFor();
  await page.getByText('How files become pictures').click();
  await page.getByLabel('Folder').fill('shop');
  const small = await noise(40, 30);
  await page.locator('#files').setInputFiles([
    { name: 'a.jpg', mimeType: 'image/jpeg', buffer: small },
    { name: 'huge.jpg', mimeType: 'image/jpeg', buffer: await noise(500, 400) },
    { name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') },
  ]);
  await upload('a.jpg').locator('.variant').first().waitFor();
  await upload('huge.jpg').getByText('this deployment takes 50000').waitFor();
  await upload('no.jpg').getByText('This file type cannot be read').waitFor();
  t.ok(await server.stores.records.images.get('shop/a.jpg'));
  await page.getByLabel('made up').check();
  await page.evaluate(`(() => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob('${(await noise(41, 30)).toString('base64')}'), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], 'pasted.jpg', { type: 'image/jpeg' }));
    dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer }));
  })()`);
  await upload('pasted.jpg').locator('.variant').first().waitFor();
  const { items } = await server.stores.records.images.list({ limit: 9 });
  t.match(
    items.map(({ title }) => title),
    ['pasted.jpg', 'a.jpg'],
  );
  await page.getByRole('button', { name: 'Clear finished' }).click();
  t.equal(await upload('no.jpg').count(), 0);
  await page.getByLabel('the file’s name').check();
  await drop(page, [{ name: 'a.jpg', type: 'image/jpeg', bytes: await noise(42, 30) }]);
  await upload('a.jpg').first().getByRole('alert').waitFor();
  t.same(faults, []);
});

t.test('formats are measured: fewer bytes, less like the original', { skip: noChromium }, async (t) => {
  const { page, faults } = await visit(t, { prepare: withImages('a.jpg'), path: '/#a.jpg?w=500&q=5' });
  const measured = async () => {
    await page
      .getByText(/SSIM \d/)
      .first()
      .waitFor();
    return page.locator('.format figcaption').allTextContents();
  };
  await page.getByRole('tab', { name: 'Formats' }).click();
  const coarse = await measured();
  t.match(coarse, [/AVIF.*ms/s, /WebP.*ms/s, /JPEG.*ms/s]);
  await page.getByLabel('Quality', { exact: true }).fill('95');
  await waitFor(
    async () => ((await page.locator('.format figcaption').first().textContent()) ?? '') !== coarse[0],
  );
  const fine = await measured();
  const ssim = (text = '') => Number(/SSIM ([\d.]+)/.exec(text)?.[1]);
  for (const [index, text] of coarse.entries())
    t.ok(ssim(text) < ssim(fine[index]), `${ssim(text)} < ${ssim(fine[index])}`);
  const windows = page.locator('.format .window');
  await windows.first().evaluate((element) => Object.assign(element, { scrollLeft: 40 }));
  await waitFor(
    async () =>
      (await windows.last().evaluate((element) => 'scrollLeft' in element && element.scrollLeft)) === 40,
  );
  t.same(faults, []);
});

t.test('before and after lie over each other, whatever is set', { skip: noChromium }, async (t) => {
  const { page, faults } = await visit(t, { prepare: withImages('a.jpg'), path: '/#a.jpg?w=300&gray=1' });
  await page.getByRole('tab', { name: 'Before / after' }).click();
  const sizes = () =>
    page.evaluate<number[][]>(
      "[...document.querySelectorAll('.compare img')].map((image) => [image.naturalWidth, image.naturalHeight])",
    );
  const sources = () =>
    page.evaluate<string[]>("[...document.querySelectorAll('.compare img')].map(({ src }) => src)");
  for (const [query, size] of [
    ['w=300&gray=1', [300, 240]],
    ['w=300&rect=r,0,0,0.5,0.5&pix=9', [250, 200]],
    ['w=200&h=200&fit=cover&blur=3', [200, 200]],
    ['sepia=80', [500, 400]],
  ] as const) {
    await page.evaluate(`location.hash = '#a.jpg?${query}'`);
    await waitFor(async () => (await facts(page)).includes(size.join(' × ')));
    await waitFor(async () => new Set(await sources()).size === 2);
    t.same(await sizes(), [size, size], query);
  }
  await page.getByLabel(/^Edge between/).fill('20');
  t.match(await page.locator('.compare').getAttribute('style'), /20%/);
  t.same(faults, []);
});

t.test('code for each framework is copied', { skip: noChromium }, async (t) => {
  const { page, server } = await visit(t, {
    prepare: withImages('a.jpg'),
    path: '/#a.jpg?w=300&h=200&fit=cover',
  });
  await page.locator('.canvas img').waitFor();
  await page.getByRole('tab', { name: 'Code' }).click();
  const marks = { Next: 'nextLoader', Nuxt: 'NuxtImg', Astro: 'rendition-client/astro' };
  for (const [kind, mark] of Object.entries(marks)) {
    await page.getByText(kind, { exact: true }).click();
    await page.locator('#snippet', { hasText: mark }).waitFor();
    await page.getByRole('button', { name: 'Copy code' }).click();
    await page.getByRole('button', { name: 'Copied.' }).waitFor();
    t.match(await clipboard(page), server.base);
    await page.getByRole('button', { name: 'Copy code' }).waitFor();
  }
});

t.test('ids and titles are text, whatever they say', { skip: noChromium }, async (t) => {
  const id = '<img src=x onerror=alert(1)>.jpg';
  const title = '"><script>alert(2)</script>';
  const { page, faults } = await visit(t, {
    prepare: async (server) => {
      await withImages(id)(server);
      const { images } = server.stores.records;
      await images.update(id, (await images.get(id))?.revision ?? 0, { title });
    },
    path: `/#${encodeURIComponent(id)}?w=50&dl=a%26%27b,`,
  });
  let alerts = 0;
  page.on('dialog', (dialog) => {
    alerts += 1;
    return dialog.dismiss();
  });
  await page.locator('.canvas img').waitFor();
  t.same(await names(page), [title]);
  await page.getByRole('tab', { name: 'Code' }).click();
  for (const kind of ['img srcset', 'picture']) {
    await page.getByText(kind, { exact: true }).click();
    await page.locator('#snippet', { hasText: kind === 'picture' ? '<picture>' : '<img' }).waitFor();
    const reader = await page.context().newPage();
    // Of this origin, whose policy lets no script of a snippet run; srcset is read as browsers read it.
    await reader.setContent(
      ((await page.locator('#snippet').textContent()) ?? '').replace(' loading="lazy"', ''),
    );
    await waitFor(() => reader.evaluate<boolean>("document.querySelector('img').naturalWidth > 0"));
    t.equal(await reader.locator('img').count(), 1, 'one picture and nothing else');
    await reader.close();
  }
  await page.getByRole('tab', { name: 'Details' }).click();
  await page.getByText('What the server does').waitFor();
  t.equal(alerts, 0);
  t.same(faults, []);
});

for (const width of [375, 1440])
  t.test(`by keys alone, at ${width} px: open, adjust, copy`, { skip: noChromium }, async (t) => {
    const { page, faults } = await visit(t, { width, prepare: withImages('a.jpg', 'b.jpg') });
    await page.locator('.thumbnail img').first().waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    t.equal(await page.evaluate('document.activeElement.id'), 'pictures-title', 'the skip link');
    await tabTo(page, '.thumbnail', faults);
    await page.keyboard.press('Enter');
    await page.locator('.canvas img').waitFor();
    t.match(await page.title(), /^[ab]\.jpg · Rendition$/);
    const focus = width < 1000 ? 'edit-title' : '';
    t.equal(
      await page.evaluate('document.activeElement.id'),
      focus,
      'where the library is gone, at the heading',
    );
    await page.keyboard.press('Tab');
    await tabTo(page, '#param-w', faults);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('70');
    await page.waitForURL(/w=70$/);
    await tabTo(page, '.reset', faults);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\.jpg$/);
    await page.locator('[data-tab="result"]').focus();
    for (const _ of ['compare', 'formats', 'code']) await page.keyboard.press('ArrowRight');
    await page.locator('#snippet', { hasText: 'srcset' }).waitFor();
    await tabTo(page, '[data-copy="snippet"]', faults);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied.' }).waitFor();
    t.match(await clipboard(page), '500w');
    t.same(faults, []);
  });
