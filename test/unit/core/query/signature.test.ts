import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import {
  checkSignature,
  isWritten,
  messageOf,
  signedMessage,
  writtenMessage,
} from '../../../../server/core/query/signature.ts';
import { always } from '../../../support/property.ts';

const hmac = (key: string, message: string) => createHmac('sha256', key).update(message).digest('base64url');
const KEYS: Readonly<Record<string, string>> = { k1: 'secret', k2: 'other' };
const keyOf = (kid: string) => (Object.hasOwn(KEYS, kid) ? KEYS[kid] : undefined);
const NOW = 1_800_000_000;

function signed(id: string, canonical: string, kid = 'k1', exp = '') {
  const sig = hmac(KEYS[kid] ?? '', signedMessage(id, canonical, kid, exp));
  return { id, canonical, written: '', url: { kid, sig, ...(exp ? { exp } : {}) } };
}
const check = (request: Parameters<typeof checkSignature>[0]) => checkSignature(request, keyOf, hmac, NOW);

t.test('a signature holds for what was signed, under each key, until it expires', async (t) => {
  t.equal(check(signed('a/b.jpg', 'w=800')), undefined);
  t.equal(check(signed('a/b.jpg', '', 'k2')), undefined);
  t.equal(check(signed('a', 'w=8', 'k1', String(NOW))), undefined, 'the last second counts');
  t.equal(check(signed('a', 'w=8', 'k1', String(NOW - 1))), 'url_expired');
});

t.test('anything else is refused with its reason', async (t) => {
  const good = signed('a', 'w=8', 'k1', String(NOW + 60));
  t.equal(check({ ...good, canonical: 'w=9' }), 'bad_signature');
  t.equal(check({ ...good, id: 'b' }), 'bad_signature');
  t.equal(check({ ...good, url: { ...good.url, exp: String(NOW + 61) } }), 'bad_signature', 'longer life');
  t.equal(check({ ...good, url: { kid: 'k1', sig: good.url.sig } }), 'bad_signature', 'expiry taken off');
  t.equal(check({ ...good, url: { ...good.url, kid: 'k2' } }), 'bad_signature', 'another key');
  t.equal(check({ ...good, url: { ...good.url, kid: 'gone' } }), 'bad_signature');
  t.equal(check({ ...good, url: { ...good.url, kid: 'constructor' } }), 'bad_signature');
  t.equal(check({ ...good, url: {} }), 'signature_required');
  t.equal(check({ ...good, url: { sig: good.url.sig } }), 'signature_required');
  t.equal(
    check({ ...signed('a', 'w=8', 'k1', String(NOW - 5)), canonical: 'w=9' }),
    'bad_signature',
    'not told that it expired',
  );
});

/** A URL that is signed as it is written; `url` is what a parser of its query says. */
function writtenSigned(path: string, query: string) {
  const url = { kid: 'k1', sig: `w-${hmac(KEYS['k1'] ?? '', `w-${path}?${query}`)}` };
  return {
    id: 'a',
    canonical: 'w=8',
    url,
    written: writtenMessage(path, `${query}&sig=${url.sig}&utm_source=x`),
  };
}

t.test('a signature of the written form covers path and query up to itself', async (t) => {
  const good = writtenSigned('/img/a', 'w=8&kid=k1');
  t.equal(check(good), undefined);
  t.equal(messageOf(good), 'w-/img/a?w=8&kid=k1', 'and the text can be told');
  t.equal(check({ ...good, written: 'w-/img/a?w=08&kid=k1' }), 'bad_signature', 'another spelling');
  t.equal(check({ ...good, canonical: 'w=9' }), undefined, 'the picture is what the URL says');
  t.equal(check({ ...good, url: { ...good.url, exp: String(NOW - 1) } }), 'url_expired');
  t.equal(check({ ...good, url: { ...good.url, kid: 'k2' } }), 'bad_signature');
});

t.test('no signature of one form is good for the other', async (t) => {
  const canonical = signed('a', 'w=8');
  const written = writtenSigned('/img/a', 'w=8&kid=k1');
  t.equal(check({ ...written, url: { ...written.url, sig: written.url.sig.slice(2) } }), 'bad_signature');
  t.equal(check({ ...canonical, url: { ...canonical.url, sig: `w-${canonical.url.sig}` } }), 'bad_signature');
  const part = fc.string({ unit: fc.constantFrom('a', 'w', '-', '=', '&', '/', '?', '\n') });
  // A URL has no line break, and an id no control character.
  const line = part.map((text) => text.replaceAll('\n', ''));
  always(
    t,
    fc.property(
      fc.tuple(line, line, line, line, line, line),
      ([id, form, kid, exp, path, query]) =>
        signedMessage(id, form, kid, exp) !== writtenMessage(path, query),
    ),
  );
});

t.test('a canonical signature that begins with w- by chance is one', async (t) => {
  const query = (width: number) => `w=${width}`;
  const width = Array.from({ length: 40_000 }, (_value, index) => index + 1).find((index) =>
    signed('a', query(index)).url.sig.startsWith('w-'),
  );
  t.ok(width !== undefined);
  const chance = signed('a', query(width ?? 0));
  t.notOk(isWritten(chance.url.sig));
  t.equal(check(chance), undefined);
});

t.test('a path that has &sig= in it does not end the text', async (t) => {
  const inPath = writtenMessage('/img/a.jpg/w=8&kid=k1&sig=w-x/b.jpg', 'kid=k1&sig=w-x');
  t.equal(inPath, 'w-/img/a.jpg/w=8&kid=k1&sig=w-x/b.jpg?kid=k1');
});

t.test('no signature of another text, length or letter is taken', async (t) => {
  const good = signed('a', 'w=8');
  const other = fc.oneof(
    fc.string({ maxLength: 50 }),
    fc
      .nat(good.url.sig.length - 1)
      .map(
        (offset) =>
          `${good.url.sig.slice(0, offset)}${good.url.sig[offset] === 'A' ? 'B' : 'A'}${good.url.sig.slice(offset + 1)}`,
      ),
    fc.constantFrom(good.url.sig.repeat(2), good.url.sig.slice(0, -1), `${good.url.sig}=`),
  );
  always(
    t,
    fc.property(
      other,
      (sig) => sig === good.url.sig || check({ ...good, url: { kid: 'k1', sig } }) !== undefined,
    ),
  );
});

t.test('no two requests share a message', async (t) => {
  const part = fc.string({ unit: fc.constantFrom('a', '=', '&', '/', '1') });
  always(
    t,
    fc.property(
      fc.tuple(part, part, part, part),
      fc.tuple(part, part, part, part),
      (a, b) => JSON.stringify(a) === JSON.stringify(b) || signedMessage(...a) !== signedMessage(...b),
    ),
  );
});
