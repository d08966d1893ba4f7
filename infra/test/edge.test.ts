import { createHmac } from 'node:crypto';
import t from 'tap';
import { readQuery } from '../../server/core/operations/transformation.ts';
import { signedMessage } from '../../server/core/query/signature.ts';
import { edgeBundle, MAX_BYTES } from '../edge/build.ts';
import { expand } from '../edge/expand.ts';
import { squeeze } from '../edge/squeeze.ts';
import { type EdgeOutcome, type EdgeRequest, KID, runEdge, SECRET } from './support/edge.ts';
import { noNjs } from './support/tools.ts';

const AVIF = 'image/avif,image/webp,*/*';

t.test('the bundle is within what CloudFront takes, and of its syntax', async (t) => {
  for (const signed of [false, true]) {
    const text = await edgeBundle({ signed });
    const bytes = Buffer.byteLength(text);
    t.comment(`edge function, ${signed ? 'signed' : 'open'}: ${bytes} of ${MAX_BYTES} bytes`);
    t.ok(bytes <= MAX_BYTES);
    t.notMatch(text, /\bfor ?\([^;)]* of |\?\?|\?\.[a-z]|\.\.\.|\bclass\b|\beval\b|replaceAll|new Map/);
    t.match(
      text,
      /^import \w+ from"(crypto|cloudfront)";import \w+ from"(crypto|cloudfront)";/,
      'imports come first',
    );
  }
});

t.test('squeezed text comes back', async (t) => {
  const texts = ['', 'a', 'abababab', "[['w','width'],['h','height']]".repeat(9)];
  const squeezed = squeeze(texts);
  t.same(
    squeezed.texts.map((text) => expand(squeezed.dictionary, text)),
    texts,
  );
  t.ok(squeezed.texts.join().length < texts.join().length / 2);
});

t.test('a query becomes a path; what stays is what the key leaves out', async (t) => {
  const rows: [EdgeRequest, EdgeOutcome][] = [
    [
      { uri: '/img/a.jpg', query: 'width=800', accept: AVIF },
      { uri: '/img/a.jpg/fmt=auto-avif&w=800', querystring: '' },
    ],
    [{ uri: '/img/a.jpg' }, { uri: '/img/a.jpg/fmt=auto-base', querystring: '' }],
    [
      { uri: '/img/x/y/a.jpg', query: 'fmt=webp&utm_source=mail' },
      { uri: '/img/x/y/a.jpg/fmt=webp', querystring: '' },
    ],
    [{ uri: '/img/a.jpg', query: 'p=card&fmt=webp' }, { uri: '/img/a.jpg/fit=cover&fmt=webp&h=300&w=400' }],
    [{ uri: '/img/a.jpg', query: 'p=wide&fmt=webp' }, { uri: '/img/a.jpg/bg=008080&fmt=webp&w=900' }],
    [{ uri: '/img/a.jpg', query: 'bg=TEAL&fmt=webp' }, { uri: '/img/a.jpg/bg=008080&fmt=webp' }],
    [
      { uri: '/img/a.jpg', query: 'w=9&fmt=webp&v=7&dl=my%20shoe.webp' },
      {
        uri: '/img/a.jpg/fmt=webp&w=9',
        querystring: 'dl=my%20shoe.webp&v=7',
        origins: ['server', 'results'],
      },
    ],
    [
      { uri: '/img/a.jpg', query: 'w=0' },
      { uri: '/img/a.jpg', querystring: 'w=0' },
    ],
    [
      { uri: '/img/a.jpg', query: 'w=5&exp=1' },
      { uri: '/img/a.jpg', querystring: 'w=5&exp=1' },
    ],
    [{ uri: '/img/a.jpg/w=5&fmt=webp' }, { uri: '/img/a.jpg/fmt=webp&w=5', querystring: '' }],
    [{ uri: '/img/a.jpg/w=0&fmt=webp' }, { uri: '/img/a.jpg', querystring: 'w=0&fmt=webp' }],
    [
      { uri: '/img/a.jpg/w=5', query: 'w=6' },
      { uri: '/img/a.jpg', querystring: 'w=5&w=6' },
    ],
  ];
  const { outcomes, output } = await runEdge(
    t.testdir(),
    'node',
    rows.map(([request]) => request),
  );
  t.equal(outcomes.length, rows.length, 'all were answered', { output });
  for (const [at, [{ uri, query }, wanted]] of rows.entries())
    t.match(outcomes[at], wanted, `${uri}?${query ?? ''}`);
});

function sign(query: string, exp = ''): string {
  const { canonical } = readQuery(query, {});
  const sig = createHmac('sha256', Buffer.from(SECRET, 'hex'))
    .update(signedMessage('a.jpg', canonical, KID, exp))
    .digest('base64url');
  return `${query}&kid=${KID}${exp ? `&exp=${exp}` : ''}&sig=${sig}`;
}

const SIGNED: [query: string, wanted: EdgeOutcome][] = [
  [sign('w=800'), { uri: '/img/a.jpg/fmt=auto-base&w=800', querystring: '' }],
  [sign('w=800', '9999999999'), { uri: '/img/a.jpg/fmt=auto-base&w=800' }],
  [sign('w=800', '1'), { statusCode: 410, body: '{"status":410,"code":"url_expired"}' }],
  [
    sign('w=800').replace('w=800', 'w=801'),
    { statusCode: 403, body: '{"status":403,"code":"bad_signature"}' },
  ],
  [
    sign('w=800').replace(`kid=${KID}`, 'kid=k2'),
    { statusCode: 403, body: '{"status":403,"code":"bad_signature"}' },
  ],
  ['w=800', { statusCode: 403, body: '{"status":403,"code":"signature_required"}' }],
  ['', { statusCode: 403 }],
  ['p=nosuch', { statusCode: 400, body: '{"status":400,"code":"invalid_parameter"}' }],
];

for (const engine of ['node', 'njs'] as const) {
  const skip = engine === 'njs' && noNjs;
  t.test(`a signing edge lets nothing through unchecked, in ${engine}`, { skip }, async (t) => {
    const asked = SIGNED.map(([query]) => ({ uri: '/img/a.jpg', query }));
    const { outcomes, output } = await runEdge(t.testdir(), engine, asked, true);
    t.equal(outcomes.length, SIGNED.length, 'all were answered', { output });
    for (const [at, [query, wanted]] of SIGNED.entries()) t.match(outcomes[at], wanted, query);
  });
}

t.test('the path form from outside needs a signature, too', async (t) => {
  const { outcomes } = await runEdge(t.testdir(), 'node', [{ uri: '/img/a.jpg/fmt=webp&w=800' }], true);
  t.match(outcomes, [{ statusCode: 403 }]);
});
