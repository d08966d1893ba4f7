import t from 'tap';
import { negotiate } from '../../../../server/core/query/accept.ts';

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
  ['image/webp;q=0.1,image/jpeg', 'webp'],
  ['IMAGE/AVIF ; Q=1', 'auto-avif'],
  ['image/avif;q=abc', 'auto-avif'],
  // What a wildcard lets in, a refusal takes out: one that is left is named.
  ['image/jpeg;q=0, */*', 'png'],
  ['image/gif;q=0, */*', 'png'],
  ['image/gif;q=0, image/*;q=0.5', 'png'],
  ['image/png;q=0, */*', 'jpeg'],
  ['image/png;q=0, image/jpeg;q=0, */*', 'gif'],
  ['image/jpeg;q=0, image/png;q=0, image/gif;q=0, */*', 'auto-base'],
  ['image/jpeg;q=0.1, */*', 'auto-base'],
  ['image/jpeg;q=0, image/webp, */*', 'webp'],
  ['image/jpeg, image/png, image/gif;q=0', 'auto-base'],
  ['image/jpeg;q=0, image/png', 'png'],
  // Only one format is understood.
  ['image/jpeg', 'jpeg'],
  ['image/png', 'png'],
  ['image/gif;q=0.5', 'gif'],
  ['image/jpeg,image/png', 'auto-base'],
  ['text/html', 'auto-base'],
  ['image/avifx', 'auto-base'],
];

t.test('negotiates as RFC 9110 says; what a wildcard can decode is not guessed', async (t) => {
  for (const [accept, format] of CASES) t.equal(negotiate(accept), format, String(accept));
});
