/**
 * Every example of an operation, compared by structure and colour. After a change on purpose look at the sheet,
 * then accept: `node test/golden/golden.test.ts --accept` writes goldens.json, `--sheet <folder>` the pictures.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { corpus } from '../support/corpus.ts';
import type { Fingerprint } from '../support/fingerprint.ts';
import { differences, fingerprint } from '../support/fingerprint.ts';
import { picture } from '../support/pictures.ts';
import { CASES } from './cases.ts';

const GOLDENS = new URL('./goldens.json', import.meta.url);
const accepts = process.argv.includes('--accept');
const sheet = process.argv.includes('--sheet') ? process.argv.at(-1) : undefined;

const mark = () => corpus('samples/transparency-demo.png');
const goldens: Record<string, Fingerprint> = accepts ? {} : JSON.parse(await readFile(GOLDENS, 'utf8'));

t.test('every golden belongs to a case', { skip: accepts && 'goldens are being written' }, async (t) => {
  t.same(Object.keys(goldens).sort(), CASES.map(({ name }) => name).sort());
});

t.test('a golden would notice an operation that did nothing', { skip: accepts && 'as above' }, async (t) => {
  const plain = goldens['encode'];
  if (!plain) return t.fail('no golden of encode');
  const changes =
    'norm gam modulate con gray sepia tint duo inv thr median blur sharp pix mask watermark'.split(' ');
  for (const name of changes) {
    const golden = goldens[name];
    if (golden) t.not(differences({ ...golden, format: plain.format }, plain).length, 0, name);
    else t.fail(`no golden of ${name}`);
  }
});

for (const { name, query, source } of CASES) {
  t.test(`${name}: ${query} looks as it did`, async (t) => {
    const { bytes } = await picture(await source(), query, {
      watermark: await mark(),
      watermark2: await mark(),
    });
    const print = await fingerprint(bytes);
    const golden = goldens[name];
    if (sheet) await writeFile(join(sheet, `${name}.${print.format}`), bytes);
    if (accepts) goldens[name] = print;
    else t.same(golden ? differences(print, golden) : ['no golden'], []);
  });
}

t.teardown(async () => {
  if (!accepts) return;
  const rows = Object.entries(goldens).map(
    ([name, print]) => `  ${JSON.stringify(name)}: ${JSON.stringify(print)}`,
  );
  await writeFile(GOLDENS, `{\n${rows.join(',\n')}\n}\n`);
});
