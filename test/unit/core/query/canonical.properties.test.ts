import fc from 'fast-check';
import t from 'tap';
import { INDEX, readQuery, readTransformation } from '../../../../server/core/operations/transformation.ts';
import { negotiate } from '../../../../server/core/query/accept.ts';
import { canonicalize, withFormat } from '../../../../server/core/query/canonical.ts';
import { splitQuery } from '../../../../server/core/query/pairs.ts';
import { isProblem } from '../../../../server/shared/errors.ts';
import { always } from '../../../support/property.ts';
import { given, queryOf, respelled } from '../../../support/queries.ts';
import { times } from '../../../support/sample.ts';

const RUNS = { numRuns: times(500, 1500) };

/** The canonical form, or the code of the refusal. */
function outcome(query: string): { canonical?: string; refused?: string } {
  const read = canonicalize(INDEX, splitQuery(query) ?? [], {});
  return 'error' in read ? { refused: read.error.code } : { canonical: read.canonical };
}

t.test('the canonical form parses to itself and uses safe characters only', async (t) => {
  always(
    t,
    fc.property(given, (pairs) => {
      const { canonical } = outcome(queryOf(pairs));
      fc.pre(canonical !== undefined);
      return outcome(canonical).canonical === canonical && /^[A-Za-z0-9._~=&,:-]*$/.test(canonical);
    }),
    RUNS,
  );
});

t.test('keys of the canonical form ascend and none is there twice', async (t) => {
  always(
    t,
    fc.property(given, (pairs) => {
      const keys = (outcome(queryOf(pairs)).canonical ?? '')
        .split('&')
        .map((part) => part.split('=')[0] ?? '');
      return keys.every((key, index) => index === 0 || key > (keys[index - 1] ?? ''));
    }),
    RUNS,
  );
});

t.test('two spellings of one picture share one key', async (t) => {
  const spellings = given.chain((pairs) => fc.tuple(fc.constant(queryOf(pairs)), respelled(pairs)));
  always(
    t,
    fc.property(spellings, ([plain, other]) => {
      const [one, two] = [outcome(plain), outcome(other)];
      return one.canonical === two.canonical && one.refused === two.refused;
    }),
    RUNS,
  );
});

t.test('a dpr is the same as pixels that were multiplied', async (t) => {
  const sizes = fc.record({
    w: fc.integer({ min: 1, max: 2000 }),
    r: fc.integer({ min: 1, max: 100 }),
    pad: fc.integer({ min: 1, max: 200 }),
    blur: fc.integer({ min: 1, max: 20 }),
  });
  always(
    t,
    fc.property(sizes, fc.constantFrom(1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4), ({ w, r, pad, blur }, dpr) => {
      const whole = (px: number) => Math.round(px * dpr);
      const split = outcome(`w=${w}&r=${r}&pad=${pad}&blur=${blur}&dpr=${dpr}`).canonical;
      return split === outcome(`w=${whole(w)}&r=${whole(r)}&pad=${whole(pad)}&blur=${blur * dpr}`).canonical;
    }),
  );
});

t.test('whatever arrives is read or refused with parameter and received text, never a crash', async (t) => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webQueryParameters(),
    fc
      .array(
        fc.tuple(
          fc.constantFrom('w', 'fit', 'bg', 'rect', 'pad', 'dl', 'mb', 'ar'),
          fc.string({ unit: 'binary' }),
        ),
      )
      .map((pairs) => pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')),
  );
  always(
    t,
    fc.property(noise, (query) => {
      try {
        readTransformation(readQuery(query, {}).canonical);
        return true;
      } catch (error) {
        return isProblem(error) && error.status >= 400 && error.status < 500 && error.detail.length > 10;
      }
    }),
    RUNS,
  );
});

t.test('a negotiated format leaves a form that parses to itself', async (t) => {
  const accepts = fc.constantFrom(
    'image/avif,image/webp,*/*',
    'image/webp,*/*;q=0.8',
    '*/*',
    'image/avif,image/webp;q=0',
    'image/jpeg',
    'image/png',
    'image/gif',
  );
  always(
    t,
    fc.property(given, accepts, (pairs, accept) => {
      const read = canonicalize(INDEX, splitQuery(queryOf(pairs)) ?? [], {});
      fc.pre(!('error' in read) && read.negotiable);
      const resolved = 'error' in read ? '' : withFormat(read.canonical, negotiate(accept), INDEX);
      return outcome(resolved).canonical === resolved && /(^|&)fmt=/.test(resolved);
    }),
    RUNS,
  );
});
