import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FOUND = [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path));

/** The reason why no browser can be started here, or false. */
export const noChromium: string | false = FOUND
  ? false
  : 'no Chromium on this machine: apt-get install chromium, or name one in CHROMIUM';

/** Its own sandbox needs rights that root in a container lacks. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: FOUND ?? '', args: ['--no-sandbox'] });
}
