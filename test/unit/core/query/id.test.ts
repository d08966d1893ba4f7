import fc from 'fast-check';
import t from 'tap';
import { INDEX } from '../../../../server/core/operations/transformation.ts';
import { canonicalize } from '../../../../server/core/query/canonical.ts';
import {
  isId,
  readId,
  readPath,
  refusalOf,
  resultKey,
  resultPrefix,
} from '../../../../server/core/query/id.ts';
import { splitQuery } from '../../../../server/core/query/pairs.ts';
import { idInUrl, splitPath } from '../../../../server/core/query/path.ts';
import { BUCKET_KEYS, UNSERVABLE_KEYS } from '../../../support/keys.ts';
import { always } from '../../../support/property.ts';
import { given, queryOf } from '../../../support/queries.ts';

const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => isId(text) && !text.includes('/'));
const anyId = fc.oneof(
  fc.constantFrom(...BUCKET_KEYS),
  fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('/')),
);

t.test('keys of real buckets are ids as they stand; each of the others says why not', async (t) => {
  for (const key of [...BUCKET_KEYS, 'a', 'a'.repeat(700), 'é'.repeat(350)]) {
    t.equal(refusalOf(key), undefined, key);
    t.equal(readId(key), key);
  }
  for (const [key, reason] of [
    ...UNSERVABLE_KEYS,
    ['', 'empty'],
    ['\ud800', 'UTF-8'],
    ['é'.repeat(351), '700'],
  ] as const) {
    t.match(refusalOf(key), reason, JSON.stringify(key));
    t.throws(() => readId(key), { code: 'invalid_parameter', facts: { param: 'id', received: key } });
  }
});

/** An id with any of its bytes escaped that RFC 3986 allows: all spellings of one path. */
const spelled = (id: string, loud: (at: number) => boolean): string =>
  [...Buffer.from(idInUrl(id))]
    .map((byte, at) =>
      byte !== 0x25 && byte !== 0x2f && loud(at) && !isPartOfEscape(idInUrl(id), at)
        ? `%${byte.toString(16).padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('');
const isPartOfEscape = (text: string, at: number): boolean =>
  /%.?$/.test(text.slice(Math.max(0, at - 2), at));

t.test(
  'a path splits into id and canonical form, however it is escaped, and the key joins them',
  async (t) => {
    always(
      t,
      fc.property(anyId, given, fc.infiniteStream(fc.boolean()), (id, pairs, coins) => {
        const read = canonicalize(INDEX, splitQuery(queryOf(pairs)) ?? [], {});
        fc.pre(!('error' in read) && read.canonical !== '');
        const canonical = 'error' in read ? '' : read.canonical;
        const path = spelled(id, () => coins.next().value);
        const whole = readPath(`${path}/${canonical}`);
        const folded = readPath(`${path.replaceAll('/', '%2F')}/${canonical}`);
        return (
          readPath(path).id === id &&
          readPath(path).canonical === undefined &&
          [whole, folded].every((split) => split.id === id && split.canonical === canonical) &&
          resultKey(id, canonical).startsWith(resultPrefix(id))
        );
      }),
    );
  },
);

t.test('an id in a URL has one spelling, which nobody reads otherwise', async (t) => {
  always(
    t,
    fc.property(anyId, (id) => {
      const url = new URL(`http://host/img/${idInUrl(id)}`);
      return (
        url.pathname === `/img/${idInUrl(id)}` &&
        /^[A-Za-z0-9\-_.!~*'()%/]+$/.test(idInUrl(id)) &&
        id.split('/').map(encodeURIComponent).join('/') === idInUrl(id)
      );
    }),
  );
});

t.test('escapes that are broken or no UTF-8 are refused with a hint, as ids that climb are', async (t) => {
  for (const path of ['%FF', '%', 'a%2', 'a%zz.jpg', '%C0%AF', '%E0%80%AF', '%ED%A0%80', 'a/%80/w=5']) {
    t.equal(splitPath(path), undefined, path);
    t.throws(() => readPath(path), { code: 'invalid_parameter', facts: { param: 'id', hint: /%25/ } }, path);
  }
  for (const path of ['../w=800', '%2e%2e/w=800', 'a/%2E%2e%2Fb', '..%2Fa', 'a%00b', 'a%5Cb', 'a%2F', '%2Fa'])
    t.throws(() => readPath(path), { code: 'invalid_parameter' }, path);
});

t.test(
  'a "=" as it stands marks a form in the last segment alone; a form without an id is refused',
  async (t) => {
    t.same(readPath('products/shoe.jpg'), { id: 'products/shoe.jpg', canonical: undefined });
    t.same(readPath('a/w=1/b=2'), { id: 'a/w=1', canonical: 'b=2' });
    t.same(readPath('a/w=1/b%3D2'), { id: 'a/w=1/b=2', canonical: undefined });
    t.same(readPath('a%2Fw=800'), { id: 'a', canonical: 'w=800' }, 'an escaped slash is a slash');
    t.throws(() => readPath('w=800'), { code: 'invalid_parameter', facts: { hint: /%3D/ } });
  },
);

t.test('a path is read in a time that grows with its length', async (t) => {
  for (const path of ['='.repeat(1e5), '/='.repeat(1e5), `${'='.repeat(1e5)}/`, '/'.repeat(1e5)]) {
    const started = process.cpuUsage().user;
    splitPath(path);
    t.ok(process.cpuUsage().user - started < 1e6, `${path.slice(0, 4)}…`);
  }
});
