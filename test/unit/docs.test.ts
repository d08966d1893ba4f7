import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { fill, generate } from '../../docs/generate.ts';
import { renderSamples, SHOWN } from '../../docs/samples.ts';
import { loadConfig, SETTINGS } from '../../server/config/settings.ts';
import { OPERATIONS } from '../../server/core/operations/index.ts';
import { readQuery } from '../../server/core/operations/transformation.ts';
import { readPath } from '../../server/core/query/id.ts';
import { anchors, imageUrls, internalLinks, pages, ROOT, shellLines } from '../support/markdown.ts';

const PAGES = pages();
const README = PAGES.get('README.md') ?? '';
const { presets } = loadConfig({});

t.test('the generated parts are what the code says now', async (t) => {
  t.same(await generate(true), [], 'run: npm run docs');
});

t.test('sample pictures are what their queries give', async (t) => {
  // docs.long.ts looks at all of them.
  t.same(await renderSamples(true, 8), [], 'run: npm run docs');
});

t.test('a stale section is named and replaced, and nothing beside it', async (t) => {
  const text = 'before\n<!-- generated: one -->\nold\n<!-- end of generated -->\nafter\n';
  const filled = await fill(text, { one: () => 'new' });
  t.same(filled.stale, ['one']);
  t.equal(filled.text, text.replace('old', 'new'));
  t.same((await fill(filled.text, { one: () => 'new' })).stale, []);
  await t.rejects(fill('nothing', { one: () => '' }), /"one"/);
});

t.test('every image URL in the documentation can be read', async (t) => {
  const urls = [...PAGES.values()].flatMap(imageUrls);
  t.ok(urls.length > OPERATIONS.length - 5, `${urls.length} URLs`);
  for (const url of new Set(urls)) {
    const [path = '', query = ''] = url.slice('/img/'.length).split(/\?(.*)/s);
    t.doesNotThrow(() => readPath(path), url);
    t.doesNotThrow(() => readQuery(query, presets), url);
  }
});

t.test('every answer to a threat names what shows it, and that is run', (t) => {
  const [, table = ''] = /## Threats and answers\n([\s\S]*?)\n## /.exec(PAGES.get('SECURITY.md') ?? '') ?? [];
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat'));
  t.ok(rows.length > 40, `${rows.length} threats`);
  const scripts = readFileSync(join(ROOT, 'infra/image-check.sh'), 'utf8');
  for (const row of rows) {
    const cells = row.split(' | ');
    const files = [...(cells.at(-1) ?? '').matchAll(/`([^`]+\.ts)`/g)].map(([, file = '']) => file);
    t.ok(files.length > 0, `${cells[0]}: nothing shows it`);
    for (const file of files) {
      t.ok(existsSync(join(ROOT, file)), file);
      t.ok(
        /\.(test|long|nightly)\.ts$/.test(file) || scripts.includes(file),
        `${file} is run by no form of the tests`,
      );
    }
  }
  t.end();
});

t.test('every internal link leads somewhere', async (t) => {
  for (const [page, text] of PAGES) {
    for (const link of new Set(internalLinks(text))) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : normalize(join(dirname(page), file));
      if (!t.ok(existsSync(`${ROOT}${target}`), `${page}: ${link}`) || anchor === undefined) continue;
      t.ok(anchors(readFileSync(`${ROOT}${target}`, 'utf8')).has(anchor), `${page}: ${link}`);
    }
  }
});

t.test(
  'every example has its sample picture, small enough for the page, and no other is there',
  async (t) => {
    const files = readdirSync(`${ROOT}docs/samples`);
    t.same(files.sort(), SHOWN.map(({ name }) => `${name}.webp`).sort());
    for (const file of files) t.ok(statSync(`${ROOT}docs/samples/${file}`).size <= 8_000, file);
  },
);

t.test('the message of a bad setting leads to its row', async (t) => {
  const rows = anchors(PAGES.get('docs/settings.md') ?? '');
  for (const { variable } of Object.values(SETTINGS)) t.ok(rows.has(variable.toLowerCase()), variable);
});

/** Pages that name commands of infra/, which has a package of its own. */
const OF_INFRA = ['deploy', 'cost', 'edge', 'operations', 'regions']
  .map((name) => `docs/${name}.md`)
  .concat('CHANGELOG.md');

t.test('every npm command of the documentation exists', async (t) => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(`${ROOT}package.json`, 'utf8'),
  );
  const infra: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(`${ROOT}infra/package.json`, 'utf8'),
  );
  for (const [page, text] of PAGES) {
    const outside = OF_INFRA.includes(page) ? infra.scripts : {};
    const names = [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name);
    for (const name of new Set(names)) t.ok(name in outside || name in scripts, `${page}: ${name}`);
  }
  t.ok(shellLines(README).length > 4);
});

t.test('a first picture stands within a screen', async (t) => {
  const lines = README.split('\n');
  const first = lines.findIndex((line) => line.includes('/img/samples/'));
  t.ok(lines.indexOf('npm ci && npm start') < first && first < 35, `line ${first + 1}`);
});

t.test(
  'the README is one page, without generated parts, and each command to copy stands alone',
  async (t) => {
    t.ok(README.trimEnd().split('\n').length <= 150);
    t.notMatch(README, /<!-- generated/);
    for (const [, block = ''] of README.matchAll(/```sh\n([\s\S]*?)```/g))
      t.equal(block.trim().split('\n').length, 1);
  },
);

t.test('every page is reached from the README', async (t) => {
  const seen = new Set(['README.md']);
  for (const page of seen)
    for (const link of internalLinks(PAGES.get(page) ?? '')) {
      const target = normalize(
        join(dirname(page), link.split('#')[0] || page.slice(page.lastIndexOf('/') + 1)),
      );
      if (PAGES.has(target)) seen.add(target);
    }
  t.same(
    [...PAGES.keys()].filter((page) => !seen.has(page)),
    [],
  );
});
