import { readFileSync } from 'node:fs';
import t from 'tap';
import { wholeMatrices } from './support/sample.ts';
import { testFiles } from './support/together.ts';

wholeMatrices();
for (const file of testFiles('test/**/*.test.ts')) {
  const url = new URL(`../${file}`, import.meta.url);
  if (readFileSync(url, 'utf8').includes('support/sample.ts'))
    await t.test(`${file}, whole`, async () => {
      await import(url.href);
    });
}
