import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import t from 'tap';
import { noChromium, openChromium } from '../support/chromium.ts';
import { startServer } from '../support/server.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

t.test(
  'axe finds nothing on the page of the API, light and dark, on a phone and a desk',
  { skip: noChromium },
  async (t) => {
    const server = await startServer();
    t.teardown(() => server.close());
    const browser = await openChromium();
    t.teardown(() => browser.close());
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [375, 1440]) {
        const context = await browser.newContext({
          bypassCSP: true,
          colorScheme,
          viewport: { width, height: 900 },
        });
        const page = await context.newPage();
        const requests: string[] = [];
        page.on('request', (request) => requests.push(new URL(request.url()).pathname));
        await page.goto(`${server.base}/docs/`);
        for (const details of await page.$$('summary')) await details.click();
        await page.evaluate(AXE);
        const found = await page.evaluate<
          { id: string; nodes: { html: string; failureSummary: string }[] }[]
        >('axe.run().then(({ violations }) => violations)');
        const told = found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
        t.same(told, [], `${colorScheme}, ${width} px`);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        t.ok(Number(overflow) <= 0, `nothing is cut off at ${width} px`);
        t.same(requests, ['/docs/', '/docs/reference.css']);
        await context.close();
      }
  },
);
