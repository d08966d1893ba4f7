import fc from 'fast-check';
import t from 'tap';
import { INDEX } from '../../../../server/core/operations/transformation.ts';
import { canonicalize, splitQuery } from '../../../../server/core/query/canonical.ts';
import { isId, readId, resultKey, resultPrefix, splitPath } from '../../../../server/core/query/id.ts';
import { always } from '../../../support/property.ts';
import { given, queryOf } from '../../../support/queries.ts';

const GOOD = [
  'a',
  'products/shoe.jpg',
  '0',
  'A-b_c~d.e',
  'a/b/c/d/e/f/g/h',
  `${'a'.repeat(128)}/b`,
  'v1.2.3',
];
const BAD = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.hidden',
  'a/.b',
  '-a',
  '~a',
  'a..b',
  '../a',
  'a/../b',
  'a b',
  'a%2Fb',
  'a\\b',
  'a\0b',
  'a/b/c/d/e/f/g/h/i',
  'a'.repeat(129),
  'ä',
  'a=b',
  'a&b',
  'a?b',
  'a#b',
  'a\n',
  `${'a/'.repeat(7)}${'b'.repeat(129)}`,
];

t.test('keys of an existing bucket are ids as they stand; nothing that climbs or escapes is', async (t) => {
  for (const id of GOOD) t.ok(isId(id), id);
  for (const id of BAD) {
    t.notOk(isId(id), JSON.stringify(id));
    t.throws(() => readId(id), { code: 'invalid_parameter', facts: { param: 'id', received: id } });
  }
});

t.test('a path splits into id and canonical form, and the key puts them together again', async (t) => {
  const id = fc.constantFrom(...GOOD);
  always(
    t,
    fc.property(id, given, (id, pairs) => {
      const read = canonicalize(INDEX, splitQuery(queryOf(pairs)) ?? [], {});
      fc.pre(!('error' in read) && read.canonical !== '');
      const canonical = 'error' in read ? '' : read.canonical;
      const split = splitPath(`${id}/${canonical}`);
      return (
        split.id === id &&
        split.canonical === canonical &&
        resultKey(id, canonical).startsWith(resultPrefix(id))
      );
    }),
  );
});

t.test('a path without a form is an id; a form without an id is refused', async (t) => {
  t.same(splitPath('products/shoe.jpg'), { id: 'products/shoe.jpg', canonical: undefined });
  t.throws(() => splitPath('w=800'), { code: 'invalid_parameter' });
  t.throws(() => splitPath('../w=800'), { code: 'invalid_parameter' });
  t.throws(() => splitPath('a/w=1/b=2'), { code: 'invalid_parameter' }, 'a form is the last segment only');
});
