import { createHmac } from 'node:crypto';
import t from 'tap';
import { isMissing, LANGUAGES, printed, vector } from '../support/signing.ts';

const { key, text, sig } = vector();

t.test('the vector of docs/signing.md is what its formula gives', async (t) => {
  t.equal(`w-${createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('base64url')}`, sig);
});

// What has to be compiled first is in signing-languages.long.ts.
for (const language of ['js', 'python']) {
  t.test(`${language} of docs/signing.md signs`, { skip: isMissing(language) }, async (t) => {
    t.equal(await printed(language), `${text.slice(2)}&sig=${sig}`);
  });
}

t.test('each language of the page is run by a test', async (t) => {
  t.same(Object.keys(LANGUAGES), ['js', 'python', 'go', 'php', 'ruby', 'java']);
});
