import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
// @ts-expect-error: a page's own module, without types
import { queriesOf, write } from '../../server/http/playground/snippets.js';
import { runBare } from '../support/command.ts';
import { corpus } from '../support/corpus.ts';
import { pages, ROOT } from '../support/markdown.ts';
import { startServer } from '../support/server.ts';

/** Where each puts its page, and what it is called in docs/client.md and in the playground. */
const FRAMEWORKS: Readonly<Record<string, { page: string; title: string }>> = {
  unpic: { page: 'dist/index.html', title: 'unpic' },
  astro: { page: 'dist/index.html', title: 'Astro' },
  next: { page: '.next/server/app/index.html', title: 'Next' },
  nuxt: { page: '.output/public/index.html', title: 'Nuxt' },
};
const SILENT = ['NEXT', 'ASTRO', 'NUXT'].map((name) => `${name}_TELEMETRY_DISABLED=1`);
const CHOSEN = process.env['FRAMEWORKS']?.split(',') ?? Object.keys(FRAMEWORKS);
const ID = 'products/rose.jpg';

/** Addresses of pictures in a page: of `src`, and of each candidate of `srcset`. */
function picturesOf(page: string, base: string): string[] {
  const values = [...page.matchAll(/\s(?:src|srcset|srcSet)="([^"]*)"/g)].map(([, value = '']) => value);
  const addresses = values.flatMap((value) => value.replaceAll('&amp;', '&').split(/,\s+/));
  return addresses
    .map((text) => text.trim().split(' ')[0] ?? '')
    .filter((address) => address.startsWith(`${base}/img/`));
}

/** Files as docs/client.md has them below a heading, for another deployment. */
function filesOfPage(title: string, base: string): string {
  const page = pages().get('docs/client.md') ?? '';
  const [, section = ''] =
    new RegExp(`^## ${title}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(page) ?? [];
  const blocks = [...section.matchAll(/```\w+\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  return blocks.join('\n').replaceAll('https://img.example.com', base);
}

const INPUT = {
  id: ID,
  params: { w: '320', h: '200', fit: 'cover', q: '60' },
  widths: [160, 320, 500],
  size: { width: 320, height: 200 },
  layout: { narrow: 100, wide: 50, from: 768, most: '' },
};

/** Puts each file of a text where the line above it says. */
function unfold(text: string, place: string): void {
  const parts = text.split(/^\/\/ (\S+\.\w+)\n/m).slice(1);
  for (let index = 0; index < parts.length; index += 2) {
    const path = join(place, parts[index] ?? '');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, parts[index + 1] ?? '');
  }
}

async function fetched(t: Test, page: string, base: string): Promise<void> {
  const addresses = picturesOf(page, base);
  t.ok(addresses.length >= 3, `${addresses.length} addresses`);
  for (const address of new Set(addresses)) {
    t.match(address, /[?&]w=\d+/);
    t.match(address, /[?&]q=60/);
    t.equal((await fetch(address)).status, 200, address);
  }
}

t.test('what docs and playground show for each framework is built, and its pictures are there', async (t) => {
  t.setTimeout(1_800_000);
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put(ID, await corpus('samples/ladybug.jpg'));
  const folder = mkdtempSync(join(tmpdir(), 'rendition-client-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await runBare('npm', ['pack', '--pack-destination', folder], join(ROOT, 'client'));
  const [packed = ''] = globSync('*.tgz', { cwd: folder });
  for (const framework of CHOSEN) {
    const { page = '', title = '' } = FRAMEWORKS[framework] ?? {};
    await t.test(framework, async (t) => {
      const place = join(folder, framework);
      cpSync(new URL(`frameworks/${framework}`, import.meta.url), place, { recursive: true });
      const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
      await runBare('npm', ['install', ...quiet, join(folder, packed)], place);
      const shown = { docs: filesOfPage(title, server.base) };
      const snippet =
        framework === 'unpic' ? {} : { playground: String(write(framework, server.base, INPUT, [])) };
      for (const [where, files] of Object.entries({ ...shown, ...snippet })) {
        unfold(files, place);
        await runBare('env', [...SILENT, 'npm', 'run', 'build'], place);
        await t.test(where, (t) => fetched(t, readFileSync(join(place, page), 'utf8'), server.base));
      }
    });
  }
  for (const kind of ['img', 'picture'])
    await t.test(`${kind} of the playground`, (t) => {
      const queries: Record<string, string>[] = queriesOf(kind, INPUT);
      const addresses = queries.map((query) => `/img/${ID}?${new URLSearchParams(query)}`);
      return fetched(t, String(write(kind, server.base, INPUT, addresses)), server.base);
    });
});
