import { createHash } from 'node:crypto';
import t from 'tap';
import { RequestDigest } from '../../../server/http/api/request-digest.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A form with a field and a file, which comes in as many chunks as are given. */
function form(...chunks: string[]): RequestDigest {
  const digest = new RequestDigest('POST', '/api/images');
  digest.field('title', 'a "b"');
  const file = digest.file('a.jpg');
  for (const chunk of chunks) file.update(Buffer.from(chunk));
  file.end();
  file.end();
  return digest;
}

t.test('a form is the same however its file is cut, and another one with other bytes', async (t) => {
  const lines = ['POST /api/images', 'field ["title","a \\"b\\""]', `file "a.jpg" ${sha256('abc')}`];
  t.equal(form('abc').value, sha256(lines.join('\n')));
  t.equal(form('a', 'bc').value, form('abc').value);
  t.not(form('abd').value, form('abc').value);
});

t.test('there is none while a file is read', async (t) => {
  const digest = new RequestDigest('POST', '/api/images');
  const file = digest.file('a.jpg');
  t.equal(digest.value, undefined);
  file.end();
  t.type(digest.value, 'string');
});

t.test('no body is as good as null', async (t) => {
  const [none, empty] = [new RequestDigest('POST', '/a'), new RequestDigest('POST', '/a')];
  none.body(undefined);
  empty.body(null);
  t.equal(none.value, sha256('POST /a\nbody null'));
  t.equal(empty.value, none.value);
});
