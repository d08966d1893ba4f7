import t from 'tap';
import { isMissing, LANGUAGES, printed, vector } from '../support/signing.ts';

const { text, sig } = vector();

for (const language of Object.keys(LANGUAGES)) {
  t.test(`${language} of docs/signing.md signs`, { skip: isMissing(language) }, async (t) => {
    t.equal(await printed(language), `${text.slice(2)}&sig=${sig}`);
  });
}
