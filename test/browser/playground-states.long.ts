import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import t from 'tap';
import { nameless, treeOf } from '../support/accessibility.ts';
import { noise } from '../support/api.ts';
import { noChromium } from '../support/chromium.ts';
import { ROOT } from '../support/markdown.ts';
import { closeBrowser, drop, type Visit, violations, visit } from '../support/playground.ts';

t.teardown(closeBrowser);

/** Where the pictures of the states go, for somebody to look at. */
const FOLDER = process.env['SCREENSHOTS'];

const FLOWER = 'samples/flower-macro.jpg';

async function open(page: Page, query: string, tab?: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#${FLOWER}?${query}`)}`);
  if (tab) await page.getByRole('tab', { name: tab }).click();
}

/** Each from whatever state was before it. */
const STATES: Readonly<Record<string, (visit: Visit) => Promise<unknown>>> = {
  library: async ({ page }) => {
    await page.evaluate("location.hash = ''");
    await page.locator('.thumbnail img').first().waitFor();
  },
  uploads: async ({ page }) => {
    await page.evaluate("location.hash = ''");
    const bytes = await noise(60, 40);
    await drop(page, [
      { name: 'rose.jpg', type: 'image/jpeg', bytes },
      { name: 'notes.txt', type: 'text/plain', bytes: Buffer.from('no picture') },
    ]);
    await page.locator('[data-upload="rose.jpg"] .variant').first().waitFor();
    await page.locator('[data-upload="notes.txt"] .problem').waitFor();
  },
  dialog: async ({ page }) => {
    await page.evaluate("location.hash = ''");
    await page.getByRole('button', { name: 'Select', exact: true }).click();
    await page.getByRole('button', { name: 'All shown' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('dialog').waitFor();
  },
  result: async ({ page }) => {
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Done', exact: true }).click();
    await open(page, 'w=800&blur=2&gray=1', 'Result');
    await page.locator('.canvas.fit img').waitFor();
  },
  focal: async ({ page }) => {
    await open(page, 'ar=1:1&w=800', 'Result');
    await page.getByRole('button', { name: 'Focal point', exact: true }).click();
    await page.locator('.overlay img').click({ position: { x: 90, y: 80 } });
    await page.waitForURL(/fp=/);
  },
  crop: async ({ page }) => {
    await open(page, 'w=800&rect=r,0.3,0.2,0.4,0.5');
    await page.getByRole('button', { name: 'Crop', exact: true }).click();
    await page.locator('.rectangle').waitFor();
  },
  compare: async ({ page }) => {
    await page.getByRole('button', { name: 'Crop', exact: true }).click();
    await open(page, 'w=800&sat=-80&con=20', 'Before / after');
    await page.locator('.compare .after').waitFor();
    // Until it is there, what was before stands in its place.
    await page.locator('.facts', { hasText: '800 × 599' }).waitFor();
  },
  formats: async ({ page }) => {
    await open(page, 'w=800&q=30', 'Formats');
    await page
      .getByText(/SSIM 0\.\d+/)
      .first()
      .waitFor();
  },
  code: async ({ page }) => {
    await open(page, 'w=800', 'Code');
    await page.locator('#snippet', { hasText: 'srcset' }).waitFor();
  },
  details: async ({ page }) => {
    await open(page, 'w=800', 'Details');
    await page.getByText('What the server does').waitFor();
  },
  problem: async ({ page }) => {
    await open(page, 'w=800&rot=720', 'Result');
    await page.locator('.refusal').getByRole('alert').waitFor();
  },
};

/** Shifts that no hand has caused, as the Layout Instability API counts them. */
const WATCH_SHIFTS = `
  window.shifts = [];
  new PerformanceObserver((list) => {
    const name = ({ node, previousRect, currentRect }) =>
      [node?.nodeName, node?.className, previousRect.y, '→', currentRect.y].join(' ');
    for (const { hadRecentInput, value, sources, startTime, lastInputTime } of list.getEntries())
      if (!hadRecentInput) shifts.push({ value, behindInputMs: startTime - lastInputTime, sources: sources.map(name) });
  }).observe({ type: 'layout-shift', buffered: true });
`;

const MOST_SHIFT = 0.1;

async function samples(put: (id: string, bytes: Buffer) => Promise<void>): Promise<void> {
  for (const name of ['flower-macro.jpg', 'ladybug.jpg', 'cat-trotting.gif', 'transparency-demo.png'])
    await put(`samples/${name}`, readFileSync(`${ROOT}/samples/${name}`));
}

t.test('axe finds what is planted', { skip: noChromium }, async (t) => {
  const { page } = await visit(t);
  await page.locator('.drop').waitFor();
  await page.evaluate("document.querySelector('main').append(document.createElement('img'))");
  t.match(await violations(page), [/^image-alt: <img>/]);
  await page.evaluate("document.querySelector('main').append(document.createElement('button'))");
  t.match(nameless(await treeOf(page)), [/^without a name: image/, /^without a name: button/]);
});

for (const width of [375, 768, 1440])
  for (const colorScheme of ['light', 'dark'] as const)
    t.test(`every state at ${width} px, ${colorScheme}`, { skip: noChromium }, async (t) => {
      const shown = await visit(t, {
        width,
        colorScheme,
        script: WATCH_SHIFTS,
        prepare: async ({ put, composed }) => {
          await samples(put);
          for (const id of [FLOWER, 'samples/ladybug.jpg'])
            await composed.management?.reconciler.reconcile(id);
        },
      });
      const { page, faults } = shown;
      for (const [name, enter] of Object.entries(STATES)) {
        await enter(shown);
        await page.waitForLoadState('networkidle');
        if (FOLDER) {
          await mkdir(FOLDER, { recursive: true });
          const path = `${FOLDER}/${name}-${width}-${colorScheme}.png`;
          await page.screenshot({ path, animations: 'disabled' });
        }
        t.same(await violations(page), [], `${name}: axe`);
        t.same(nameless(await treeOf(page)), [], `${name}: names, as a screen reader has them`);
        const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        t.equal(isWide, false, `${name}: nothing is wider than the window`);
        const shifts = await page.evaluate<{ value: number }[]>('shifts.splice(0)');
        const sum = shifts.reduce((total, { value }) => total + value, 0);
        t.ok(sum < MOST_SHIFT, `${name}: layout shifts ${sum.toFixed(4)}`, { shifts });
      }
      t.same(faults, []);
    });
