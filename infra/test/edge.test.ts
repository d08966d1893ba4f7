import t from 'tap';
import { RULES } from '../../server/core/operations/table.ts';
import { readQuery } from '../../server/core/operations/transformation.ts';
import { resultKey } from '../../server/core/query/id.ts';
import { idInUrl, place } from '../../server/core/query/path.ts';
import { PIPELINE } from '../../server/core/version.ts';
import { Results } from '../../server/reading/results.ts';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { LONG_FORM } from '../../test/support/keys.ts';
import { type EdgeOptions, edgeBundle, MAX_BYTES } from '../edge/build.ts';
import { LARGEST, PLAIN } from '../edge/largest.ts';
import { rulePieces } from '../edge/pack.ts';
import { rulesOf } from '../edge/rows.ts';
import { type EdgeOutcome, type EdgeRequest, runEdge } from './support/edge.ts';
import { KID, sign, signAsWritten } from './support/signing.ts';
import { noNjs } from './support/tools.ts';

/** What the edge asks for in place of a query. */
const here = (path: string): string => `${path}&_=${PIPELINE}`;

const AVIF = 'image/avif,image/webp,*/*';

/** A parameter of its own kind takes about this much; one that is a row takes nothing, it lies in the store. */
const SPARE = 300;

/** Every combination of settings at their smallest and at their largest. */
function combinations(): EdgeOptions[] {
  const chosen = <T>(number: number, index: number, [plain, largest]: readonly [T, T]): T =>
    number & (1 << index) ? largest : plain;
  return Array.from({ length: 32 }, (_, number) => ({
    signed: chosen(number, 0, [PLAIN.signed, LARGEST.signed]),
    autoQuality: chosen(number, 1, [PLAIN.autoQuality, LARGEST.autoQuality]),
    serversFirst: chosen(number, 2, [PLAIN.serversFirst, LARGEST.serversFirst]),
    ignored: chosen<readonly string[]>(number, 3, [PLAIN.ignored, LARGEST.ignored]),
    epochs: chosen(number, 4, [PLAIN.epochs, LARGEST.epochs]),
  }));
}

t.test(
  'in a stage of any settings the bundle is within what CloudFront takes, and of its syntax',
  async (t) => {
    const worst = Buffer.byteLength(await edgeBundle(LARGEST));
    t.comment(`edge function, largest: ${worst} of ${MAX_BYTES} bytes`);
    t.ok(worst <= MAX_BYTES - SPARE, `${SPARE} bytes are left for what comes`);
    for (const options of combinations()) {
      const text = await edgeBundle(options);
      t.ok(Buffer.byteLength(text) <= worst, JSON.stringify(options));
      t.notMatch(text, /\bfor ?\([^;)]* of |\?\?|\?\.[a-z]|\.\.\.|\bclass\b|\beval\b|replaceAll|new Map/);
      const imports = options.signed ? 2 : 1;
      const first = new RegExp(`^(import [\\w$]+ from"(crypto|cloudfront)";){${imports}}let `);
      t.match(text, first, 'imports come first');
      t.equal(text.match(/\bimport\b/g)?.length, imports, 'and nowhere else');
    }
  },
);

t.test('the store has every rule, in values that it takes and under a name of their own', async (t) => {
  const { name, pieces } = rulePieces();
  t.match(name, /^rules-[0-9a-f]{8}$/);
  for (const piece of pieces) t.ok(Buffer.byteLength(piece) <= 1000, 'a value of a KeyValueStore');
  const keys = RULES.map(({ key }) => key);
  const read = rulesOf(pieces.join(''), keys).rules.map(({ key }) => key);
  t.same(read, keys, 'in the order in which they become idle');
});

t.test('a query becomes a path; what stays is what the key leaves out', async (t) => {
  const rows: [EdgeRequest, EdgeOutcome][] = [
    [
      { uri: '/img/a.jpg', query: 'width=800', accept: AVIF },
      { uri: here('/img/a.jpg/fmt=auto-avif&w=800'), querystring: '' },
    ],
    [{ uri: '/img/a.jpg' }, { uri: here('/img/a.jpg/fmt=auto-base'), querystring: '' }],
    [
      { uri: '/img/x/y/a.jpg', query: 'fmt=webp&utm_source=mail' },
      { uri: here('/img/x/y/a.jpg/fmt=webp'), querystring: '' },
    ],
    [
      { uri: '/img/a.jpg', query: 'p=card&fmt=webp' },
      { uri: here('/img/a.jpg/fit=cover&fmt=webp&h=300&w=400') },
    ],
    [{ uri: '/img/a.jpg', query: 'p=wide&fmt=webp' }, { uri: here('/img/a.jpg/bg=008080&fmt=webp&w=900') }],
    // Half a turn is a mirror, whose row nobody has named.
    [{ uri: '/img/a.jpg', query: 'rot=180&fmt=webp' }, { uri: here('/img/a.jpg/flip=hv&fmt=webp') }],
    [{ uri: '/img/a.jpg', query: 'bg=TEAL&fmt=webp' }, { uri: here('/img/a.jpg/bg=008080&fmt=webp') }],
    [
      { uri: '/img/a.jpg', query: 'w=9&fmt=webp&v=7&dl=my%20shoe.webp' },
      {
        uri: here('/img/a.jpg/fmt=webp&w=9'),
        querystring: 'dl=my%20shoe.webp&v=7',
        origins: ['server'],
      },
    ],
    [
      { uri: '/img/a.jpg', query: 'w=0' },
      { uri: '/img/a.jpg', querystring: 'w=0', origins: ['server'] },
    ],
    [
      { uri: '/img/a.jpg', query: 'w=5&exp=1' },
      { uri: '/img/a.jpg', querystring: 'w=5&exp=1', origins: ['server'] },
    ],
    [{ uri: '/img/a.jpg/w=5&fmt=webp' }, { uri: here('/img/a.jpg/fmt=webp&w=5'), querystring: '' }],
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

t.test('what a deployment ignores is dropped, in a query and in the path form', async (t) => {
  const asked = [
    { uri: '/img/a.jpg', query: 'w=9&cb=1&fmt=webp&cb=2' },
    { uri: '/img/a.jpg/cb=1&w=9&fmt=webp' },
    { uri: '/img/a.jpg', query: 'w=9&ts=1' },
  ];
  const { outcomes } = await runEdge(t.testdir(), 'node', asked, { signed: false, ignored: ['cb', 'x-y'] });
  t.match(outcomes, [
    { uri: here('/img/a.jpg/fmt=webp&w=9'), querystring: '' },
    { uri: here('/img/a.jpg/fmt=webp&w=9'), querystring: '' },
    { uri: '/img/a.jpg', querystring: 'w=9&ts=1' },
  ]);
});

t.test('rows of another release pass on to the server', async (t) => {
  const { outcomes } = await runEdge(t.testdir(), 'node', [{ uri: '/img/a.jpg', query: 'sepia=9' }], {
    signed: false,
    rules: 'rules-of-before',
  });
  t.match(outcomes, [{ uri: '/img/a.jpg', querystring: 'sepia=9', origins: ['server'] }]);
});

const WRITTEN = signAsWritten('a.jpg', `width=400&dpr=2&kid=${KID}`);

const SIGNED: [query: string, wanted: EdgeOutcome][] = [
  [sign('a.jpg', 'w=800'), { uri: here('/img/a.jpg/fmt=auto-base&w=800'), querystring: '' }],
  [sign('a.jpg', 'w=800', '9999999999'), { uri: here('/img/a.jpg/fmt=auto-base&w=800') }],
  [sign('a.jpg', 'w=800', '1'), { statusCode: 410, body: '{"status":410,"code":"url_expired"}' }],
  [
    sign('a.jpg', 'w=800').replace('w=800', 'w=801'),
    {
      statusCode: 403,
      body: `{"status":403,"code":"bad_signature","checked":"a.jpg\\nw=801\\n${KID}\\n"}`,
    },
  ],
  [
    sign('a.jpg', 'w=800').replace(`kid=${KID}`, 'kid=k2'),
    { statusCode: 403, body: '{"status":403,"code":"bad_signature"' },
  ],
  [WRITTEN, { uri: here('/img/a.jpg/fmt=auto-base&w=800'), querystring: '' }],
  [`${WRITTEN}&utm_source=x`, { uri: here('/img/a.jpg/fmt=auto-base&w=800'), querystring: '' }],
  [`${WRITTEN}&v=7`, { statusCode: 400, body: '{"status":400,"code":"unsigned_parameter"}' }],
  [
    WRITTEN.replace('width', 'w'),
    {
      statusCode: 403,
      body: `{"status":403,"code":"bad_signature","checked":"w-/img/a.jpg?w=400&dpr=2&kid=${KID}"}`,
    },
  ],
  [WRITTEN.replace('sig=w-', 'sig='), { statusCode: 403 }],
  [signAsWritten('a.jpg', `w=8&exp=1&kid=${KID}`), { statusCode: 410 }],
  ['w=800', { statusCode: 403, body: '{"status":403,"code":"signature_required"}' }],
  ['', { statusCode: 403 }],
  ['p=nosuch', { statusCode: 400, body: '{"status":400,"code":"invalid_parameter"}' }],
];

for (const engine of ['node', 'njs'] as const) {
  const skip = engine === 'njs' && noNjs;
  t.test(`a signing edge lets nothing through unchecked, in ${engine}`, { skip }, async (t) => {
    const asked = SIGNED.map(([query]) => ({ uri: '/img/a.jpg', query }));
    const { outcomes, output } = await runEdge(t.testdir(), engine, asked, { signed: true });
    t.equal(outcomes.length, SIGNED.length, 'all were answered', { output });
    for (const [at, [query, wanted]] of SIGNED.entries()) t.match(outcomes[at], wanted, query);
  });
}

for (const engine of ['node', 'njs'] as const) {
  const skip = engine === 'njs' && noNjs;
  t.test(`a key longer than S3 takes is the server's, in ${engine}`, { skip }, async (t) => {
    const objects = await FileObjects.open(t.testdir());
    const results = new Results(objects, '');
    const form = readQuery(LONG_FORM, {}).canonical;
    t.equal(form, LONG_FORM, 'canonical');
    const room = 1024 - Buffer.byteLength(resultKey('', place(form, PIPELINE, '')));
    const ids = ['a', 'é', '写', '+', 'a b']
      .flatMap((text) => [room - 2, room - 1, room, room + 1, room + 2].map((length) => ({ text, length })))
      .map(({ text, length }) => {
        const times = Math.floor(length / Buffer.byteLength(text));
        return text.repeat(times) + 'x'.repeat(length - times * Buffer.byteLength(text));
      });
    const asked = ids.map((id) => ({ uri: `/img/${idInUrl(id)}`, query: LONG_FORM }));
    const { outcomes, output } = await runEdge(t.testdir(), engine, asked);
    t.equal(outcomes.length, ids.length, 'all were answered', { output });
    for (const [index, id] of ids.entries()) {
      const isStored = results.keyOf(id, form) !== undefined;
      t.equal(isStored, Buffer.byteLength(id) <= room, 'at 1,024 bytes it still is');
      t.same(
        outcomes[index]?.origins ?? [],
        isStored ? [] : ['server'],
        `${Buffer.byteLength(id)} of ${room}: ${id.slice(0, 3)}`,
      );
    }
  });
}

t.test('a text on a mark needs a signature, whatever else does not', async (t) => {
  const text = { fmt: 'webp', w: '90', wm: 'logo', wmx: 'MTkuOTAg4oKs' };
  const query = String(new URLSearchParams(text));
  const form = '/fmt=webp&w=90&wm=logo&wmx=MTkuOTAg4oKs';
  const second = `fmt=webp&wm=a&wm2=b&wm2x=YQ`;
  const asked = [
    { uri: '/img/a.jpg', query },
    { uri: `/img/a.jpg${form}` },
    { uri: '/img/a.jpg', query: second },
    { uri: '/img/a.jpg', query: `${query}&kid=main&sig=${'A'.repeat(43)}` },
  ];
  for (const engine of noNjs ? (['node'] as const) : (['node', 'njs'] as const)) {
    const { outcomes } = await runEdge(t.testdir(), engine, asked);
    for (const outcome of outcomes)
      t.match(outcome, { statusCode: 403, body: '{"status":403,"code":"signature_required"}' }, engine);
    const idle = await runEdge(t.testdir(), engine, [{ uri: '/img/a.jpg', query: 'fmt=webp&wmx=YQ' }]);
    t.match(idle.outcomes, [{ uri: here('/img/a.jpg/fmt=webp') }], 'without a mark there is no text');
  }
  const { outcomes } = await runEdge(
    t.testdir(),
    'node',
    [{ uri: '/img/a.jpg', query: sign('a.jpg', query) }],
    {
      signed: true,
    },
  );
  t.match(outcomes, [{ uri: /^\/img\/a\.jpg\/fmt=webp&w=90&wm=logo&wmx=MTkuOTAg4oKs&_=/ }]);
});

t.test('the path form from outside needs a signature, too', async (t) => {
  const { outcomes } = await runEdge(t.testdir(), 'node', [{ uri: '/img/a.jpg/fmt=webp&w=800' }], {
    signed: true,
  });
  t.match(outcomes, [{ statusCode: 403 }]);
});
