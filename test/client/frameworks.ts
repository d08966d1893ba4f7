import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runBare } from '../support/command.ts';
import { corpus } from '../support/corpus.ts';
import { ROOT } from '../support/markdown.ts';
import { startServer } from '../support/server.ts';

/** Where each puts its page. */
const FRAMEWORKS: Readonly<Record<string, string>> = {
  unpic: 'dist/index.html',
  astro: 'dist/index.html',
  next: 'out/index.html',
  nuxt: '.output/public/index.html',
};
const SILENT = ['NEXT', 'ASTRO', 'NUXT'].map((name) => `${name}_TELEMETRY_DISABLED=1`);
const CHOSEN = process.env['FRAMEWORKS']?.split(',') ?? Object.keys(FRAMEWORKS);

/** Addresses of pictures in a page: of `src`, and of each candidate of `srcset`. */
function picturesOf(page: string, base: string): string[] {
  const values = [...page.matchAll(/\s(?:src|srcset|srcSet)="([^"]*)"/g)].map(([, value = '']) => value);
  const addresses = values.flatMap((value) => value.replaceAll('&amp;', '&').split(/,\s+/));
  return addresses
    .map((text) => text.split(' ')[0] ?? '')
    .filter((address) => address.startsWith(`${base}/img/`));
}

t.test('a page built with each framework shows pictures that are there', async (t) => {
  t.setTimeout(1_800_000);
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put('products/rose.jpg', await corpus('samples/ladybug.jpg'));
  const folder = mkdtempSync(join(tmpdir(), 'rendition-client-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await runBare('npm', ['pack', '--pack-destination', folder], join(ROOT, 'client'));
  const [packed = ''] = globSync('*.tgz', { cwd: folder });
  for (const framework of CHOSEN) {
    await t.test(framework, async (t) => {
      const place = join(folder, framework);
      cpSync(new URL(`frameworks/${framework}`, import.meta.url), place, { recursive: true });
      const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
      await runBare('npm', ['install', ...quiet, join(folder, packed)], place);
      const settings = ['RENDITION', 'NEXT_PUBLIC_RENDITION'].map((name) => `${name}=${server.base}`);
      await runBare('env', [...SILENT, ...settings, 'npm', 'run', 'build'], place);
      const page = readFileSync(join(place, FRAMEWORKS[framework] ?? ''), 'utf8');
      const addresses = picturesOf(page, server.base);
      t.ok(addresses.length >= 3, `${addresses.length} addresses`);
      t.ok(
        addresses.every((address) => /[?&]w=\d+/.test(address) && address.includes('q=60')),
        'with width and quality',
      );
      for (const address of new Set(addresses)) t.equal((await fetch(address)).status, 200, address);
    });
  }
});
