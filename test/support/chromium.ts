import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FOUND = [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path));

/** The reason why no browser can be started here, or false. */
export const noChromium: string | false = FOUND
  ? false
  : 'no Chromium on this machine: apt-get install chromium, or name one in CHROMIUM';

/** Of whatever is waited for in a browser; half a minute, which it has by itself, is little beside much else. */
const MAX_MS = 300_000;

/** Its own sandbox needs rights that root in a container lacks. */
export async function openChromium(): Promise<Browser> {
  const options = { executablePath: FOUND ?? '', args: ['--no-sandbox'], timeout: MAX_MS };
  const browser = await chromium.launch(options);
  browser.on('context', (context) => context.setDefaultTimeout(MAX_MS));
  return browser;
}
