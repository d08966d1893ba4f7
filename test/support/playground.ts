import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import type { Test } from 'tap';
import { openChromium } from './chromium.ts';
import { startServer, type TestServer } from './server.ts';

export interface Visit {
  readonly server: TestServer;
  readonly page: Page;
  /** Errors of the page, breaches of its policy, and requests to other hosts: nobody wants any. */
  readonly faults: string[];
}

let browser: Promise<Browser> | undefined;

interface Visitor {
  readonly env?: Record<string, string>;
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly path?: string;
  /** Runs in the page before its own scripts. */
  readonly script?: string;
  /** Before the page is opened. */
  readonly prepare?: (server: TestServer) => Promise<unknown>;
}

/** A server, and its playground in a browser as somebody has it who may use the clipboard. */
export async function visit(t: Test, visitor: Visitor = {}): Promise<Visit> {
  const { env = {}, width = 1440, colorScheme = 'light', path = '/', prepare, script = '' } = visitor;
  const server = await startServer(env);
  t.teardown(() => server.close());
  await prepare?.(server);
  browser ??= openChromium();
  const context = await (await browser).newContext({
    viewport: { width, height: width < 500 ? 812 : 900 },
    colorScheme,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  t.teardown(() => context.close());
  const page = await context.newPage();
  await page.addInitScript(script);
  const faults = faultsOf(page, server.base);
  await page.goto(server.base + path);
  return { server, page, faults };
}

/** After the last test of a file. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}

function faultsOf(page: Page, base: string): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error.stack)));
  page.on('console', (message) => {
    // What the server refuses is said by the page; the browser says it as well.
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) faults.push(message.text());
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !/^(blob|data):/.test(url)) faults.push(`another host: ${url}`);
  });
  return faults;
}

/** Drops files onto the page, as a hand does from a folder. */
export async function drop(
  page: Page,
  files: { name: string; type: string; bytes: Buffer }[],
): Promise<void> {
  const sent = files.map(({ bytes, ...file }) => ({ ...file, base64: bytes.toString('base64') }));
  await page.evaluate(
    `(async () => {
      const transfer = new DataTransfer();
      for (const { name, type, base64 } of ${JSON.stringify(sent)}) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
      }
      for (const type of ['dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    })()`,
  );
}

export const clipboard = (page: Page): Promise<string> =>
  page.evaluate<string>('navigator.clipboard.readText()');

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What axe finds, each with the element and why. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  );
}

/** Presses Tab until what has the focus matches; each on the way must be in sight and under nothing else, as somebody needs it who has no mouse. */
export async function tabTo(page: Page, selector: string, faults: string[]): Promise<void> {
  for (let presses = 0; presses < 150; presses++) {
    await page.keyboard.press('Tab');
    const [isThere, isSeen, html] = await page.evaluate<[boolean, boolean, string]>(`(() => {
      const element = document.activeElement;
      const { width, height, left, top } = element.getBoundingClientRect();
      const hit = document.elementFromPoint(left + width / 2, top + height / 2);
      const isSeen = hit !== null && (element.contains(hit) || hit.contains(element));
      return [element.matches(${JSON.stringify(selector)}), isSeen || element === document.body, element.outerHTML];
    })()`);
    if (!isSeen) faults.push(`out of sight: ${html.slice(0, 120)}`);
    if (isThere) return;
  }
  faults.push(`never reached: ${selector}`);
}
