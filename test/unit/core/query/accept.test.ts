import fc from 'fast-check';
import t from 'tap';
import { NEGOTIATED, negotiate } from '../../../../server/core/query/accept.ts';
import { always } from '../../../support/property.ts';
import { times } from '../../../support/sample.ts';

const CASES: readonly [accept: string | undefined, format: string][] = [
  // What browsers send for an img element.
  ['image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8', 'auto-avif'],
  ['image/webp,image/apng,image/*,*/*;q=0.8', 'webp'],
  ['image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5', 'auto-base'],
  ['*/*', 'auto-base'],
  ['', 'auto-base'],
  [undefined, 'auto-base'],
  // q=0 is a refusal; any other weight is not.
  ['image/avif;q=0,image/webp,*/*', 'webp'],
  ['image/avif;q=0.0,image/webp;q=0,*/*', 'auto-base'],
  ['image/avif, image/webp;q=0', 'avif'],
  ['IMAGE/AVIF ; Q=1', 'avif'],
  // What a wildcard lets in, a refusal takes out: one that is left is named.
  ['image/jpeg;q=0, */*', 'png'],
  ['image/gif;q=0, */*', 'png'],
  ['image/gif;q=0, image/*;q=0.5', 'png'],
  ['image/png;q=0, */*', 'jpeg'],
  ['image/png;q=0, image/jpeg;q=0, */*', 'gif'],
  ['image/jpeg;q=0, image/png;q=0, image/gif;q=0, */*', 'auto-base'],
  ['image/jpeg;q=0, image/webp, */*', 'webp'],
  ['image/jpeg, image/png, image/gif;q=0', 'png'],
  ['image/jpeg;q=0, image/png', 'png'],
  // Only one format is understood.
  ['image/jpeg', 'jpeg'],
  ['image/png', 'png'],
  ['image/gif;q=0.5', 'gif'],
  ['image/jpeg,image/png', 'png'],
  ['text/html', 'auto-base'],
  ['image/avifx', 'auto-base'],
  // The greatest weight wins.
  ['image/jpeg,image/webp;q=0.1', 'jpeg'],
  ['image/webp;q=0.1,image/jpeg', 'jpeg'],
  ['image/avif;q=0.5,image/webp', 'webp'],
  ['image/avif;q=0.5,image/webp;q=0.4,*/*', 'auto-base'],
  ['image/webp;q=0.5,*/*;q=0.5', 'webp'],
  ['image/jpeg, image/*;q=0.1', 'jpeg'],
  ['image/jpeg;q=0.1, */*', 'png'],
  ['image/png;q=0.2, image/jpeg;q=0.3', 'jpeg'],
  ['image/gif, image/*;q=0.2', 'gif'],
  // What Internet Explorer and old Safari say is no wish for photographs in PNG.
  ['image/png, image/svg+xml, image/*; q=0.8, */*; q=0.5', 'auto-base'],
  // A malformed weight drops its member, and nothing else.
  ['image/avif;q=abc', 'auto-base'],
  ['image/avif;q=abc,image/webp', 'webp'],
  ['image/avif;q=1.5,image/webp;q=0.9', 'webp'],
  ['image/avif;q=-1,image/webp;q=.5,image/jpeg', 'jpeg'],
  ['image/avif;q=,image/webp;q,image/png', 'png'],
  ['image/avif;q=0.1234,image/webp', 'webp'],
  ['image/avif;q = 1,image/webp', 'webp'],
  ['image/avif;q=1.001,image/webp;q=1.000', 'webp'],
  ['image/avif;v=2;q=0.9;ext=1,image/webp;q=0.5', 'auto-avif'],
  ['image/avif;quality=x,image/webp', 'auto-avif'],
  // A moving picture goes nowhere that nobody asked for.
  ['image/avif', 'avif'],
  ['image/avif,*/*', 'avif'],
  ['image/jpeg, image/gif', 'jpeg'],
];

t.test('negotiates as RFC 9110 says; what a wildcard can decode is not guessed', async (t) => {
  for (const [accept, format] of CASES) t.equal(negotiate(accept), format, String(accept));
});

const type = fc
  .constantFrom('avif', 'webp', 'jpeg', 'png', 'gif', '*', 'svg+xml')
  .map((name) => `image/${name}`);
const weight = fc.constantFrom('', ';q=1', ';q=0.9', ';q=0.5', ';q=0.1', ';q=0', ';q=x');
const member = fc
  .tuple(fc.oneof(type, fc.constantFrom('*/*', 'text/html')), weight)
  .map(([name, q]) => name + q);
const headers = fc.array(member, { maxLength: 5 }).map((members) => members.join(', '));

/** Whether a header takes a format, AVIF and WebP by name alone; the first member of a type counts. */
function takes(header: string, format: string): boolean {
  const weights = header
    .split(', ')
    .filter((text) => !text.endsWith('=x'))
    .map((text) => text.split(';q='))
    .map(([name = '', q = '1']) => ({ name, q: Number(q) }));
  const named = weights.find(({ name }) => name === `image/${format}`);
  const wild = weights.find(({ name }) => name === 'image/*') ?? weights.find(({ name }) => name === '*/*');
  return ((named ?? (/avif|webp/.test(format) ? undefined : wild))?.q ?? 0) > 0;
}

/** What a moving picture, one with alpha and a photograph become. */
const BECOMES: Readonly<Record<string, readonly string[]>> = {
  'auto-avif': ['webp', 'avif', 'avif'],
  'auto-base': ['gif', 'png', 'jpeg'],
};

t.test('no picture goes to a format that the header does not take, where it takes one', async (t) => {
  always(
    t,
    fc.property(headers, (header) => {
      const answer = negotiate(header);
      const formats = BECOMES[answer] ?? [answer];
      const some = ['avif', 'webp', 'jpeg', 'png', 'gif'].some((format) => takes(header, format));
      return !some || formats.every((format) => takes(header, format));
    }),
    { numRuns: times(1500, 5000) },
  );
});

t.test('a header that was made to be slow is read like any other', async (t) => {
  for (const part of [';      ', '; q', ';\t \t', '; a = ', ';;;;', ' ', 'q', '; q = '])
    for (const end of ['', ';q=x', 'x', ';q=0.5 x'])
      t.type(negotiate(`image/webp${part.repeat(1500)}${end}`), 'string', JSON.stringify(part));
});

t.test('every answer is one of those that are warmed', async (t) => {
  const answers = new Set<string>();
  always(
    t,
    fc.property(headers, (header) => {
      const answer = negotiate(header);
      answers.add(answer);
      return NEGOTIATED.some((format) => format === answer);
    }),
    { numRuns: times(1000, 3000) },
  );
  t.same([...answers].sort(), [...NEGOTIATED].sort(), 'and each of them is given');
});
