import t from 'tap';
import { loadConfig, SETTINGS } from '../../../server/config/settings.ts';
import { API_TOKENS } from '../../support/env.ts';

t.test('needs nothing: every default reads back', async (t) => {
  const config = loadConfig({});
  t.match(config, { port: 8080, dataDir: './data', signatures: 'off', presetsOnly: false });
  t.ok(Object.isFrozen(config));
});

t.test('reads every kind of value', async (t) => {
  const config = loadConfig({
    MEMORY_CACHE_BYTES: '64MiB',
    ALLOWED_WIDTHS: '10, 200',
    PRESETS: '{"a":"w=10"}',
    WARM_DEFAULTS: 'w=200 p=a&fmt=webp',
    SIGNING_KEYS: `main=${'ab'.repeat(16)}`,
    PUBLIC_URL: 'https://cdn.example.com/',
  });
  t.match(config, {
    memoryBytes: 64 * 2 ** 20,
    allowedWidths: [10, 200],
    warmDefaults: ['w=200', 'p=a&fmt=webp'],
    signingKeys: { main: 'ab'.repeat(16) },
    publicUrl: 'https://cdn.example.com',
  });
  t.same(Object.keys(config.presets), ['$a']);
});

t.test('lists every bad variable at once, with what was expected, and shows no secret', async (t) => {
  const bad = {
    FONTS_DIR: '/nowhere/fonts',
    PORT: 'http',
    MEMORY_CACHE_BYTES: 'lots',
    SIGNATURES: 'yes',
    PRESETS: 'card=w=0',
    SIGNING_KEYS: 'main=hunter2',
  };
  try {
    loadConfig(bad);
    t.fail('it was accepted');
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    for (const name of Object.keys(bad)) t.match(message, new RegExp(`${name}="`), name);
    t.match(
      message,
      'MEMORY_CACHE_BYTES="lots": expected bytes such as 50M or 256MiB (docs/settings.md#memory_cache_bytes)',
    );
    t.match(message, /Preset "card".*"0" is not accepted for "w"/);
    t.notMatch(message, 'hunter2');
  }
});

t.test('a value with control characters is told on one line, and readably', async (t) => {
  const values = {
    '\r': '\\r',
    '\n': '\\n',
    '\t': '\\t',
    '\u001b': '\\u001b',
    '\u007f': '\\u007f',
    '\u0085': '\\u0085',
  };
  for (const variable of ['PORT', 'MEMORY_CACHE_BYTES', 'PRESETS', 'IMPORT_HOSTS', 'LOG_LEVEL']) {
    for (const [character, escaped] of Object.entries(values)) {
      try {
        loadConfig({ [variable]: `a=${character}b` });
        t.fail(`${variable} takes ${escaped}`);
      } catch (error) {
        const message = error instanceof Error ? error.message : '';
        t.match(message, `${variable}="a=${escaped}b"`);
        t.equal(message.match(/\p{Cc}/gu)?.length, 1, 'but for the end of the first line');
      }
    }
  }
});

t.test('refuses settings that contradict each other', async (t) => {
  t.throws(() => loadConfig({ ORIGINALS_BUCKET: 'a' }), /ORIGINALS_BUCKET and RESULTS_BUCKET go together/);
  t.throws(() => loadConfig({ SIGNATURES: 'required', API_TOKENS }), /needs SIGNING_KEYS/);
  const key = 'ab'.repeat(16);
  const closed = { API_TOKENS };
  const cases: [Record<string, string>, RegExp | undefined][] = [
    [{ SIGNATURES: 'required', SIGNING_KEYS: `main=${key}` }, /SIGNATURES=required with an open/],
    [{ SIGNATURES: 'edge' }, /SIGNATURES=edge with an open/],
    [{ PROXY_HOPS: '1' }, /PROXY_HOPS=1 with an open/],
    [{ PROXY_HOPS: '1', ...closed }, undefined],
    [{ PROXY_HOPS: '1', API_TOKEN_FILE: '/data/api.token' }, undefined],
    [{ PROXY_HOPS: '1', JWKS_URL: 'https://id.example.com/keys' }, undefined],
    [{ MAX_UPLOAD_BYTES: '50M', MAX_SOURCE_BYTES: '49M' }, /MAX_UPLOAD_BYTES \(50000000\) is above/],
    [{ MAX_SOURCE_BYTES: '20M' }, undefined],
    [{ MAX_UPLOAD_BYTES: '200M', MAX_SOURCE_BYTES: '200M' }, undefined],
    [
      { ALLOWED_WIDTHS: '100,200', WARM_DEFAULTS: 'w=100 w=300' },
      /w=300 is not among ALLOWED_WIDTHS=100,200/,
    ],
    [{ ALLOWED_WIDTHS: '100', WARM_DEFAULTS: 'h=300' }, /a height without a width/],
    [{ ALLOWED_WIDTHS: '100', WARM_DEFAULTS: 'w=50&dpr=2' }, undefined],
    [{ PRESETS_ONLY: '1', WARM_DEFAULTS: 'w=7' }, /with PRESETS_ONLY, .*w=7 is served to nobody/],
    [{ PRESETS_ONLY: '1', WARM_DEFAULTS: 'p=card p=thumb&dpr=2' }, undefined],
    [{ PRESETS_ONLY: '1', PRESETS: 'a=w=7' }, undefined],
    [
      { ALLOWED_WIDTHS: '100', PRESETS: 'a=w=100;b=w=7' },
      /PRESETS: b has w=7, which is not among ALLOWED_WIDTHS=100/,
    ],
    [{ ALLOWED_WIDTHS: '100,200', PRESETS: 'a=w=100;b=w=200&blur=3' }, undefined],
    [{ ALLOWED_WIDTHS: '100' }, undefined],
    [{ METRICS_PORT: '8080' }, /METRICS_PORT and PORT are both 8080/],
    [{ METRICS_PORT: '8080', PORT: '8081' }, undefined],
    [{ S3_ENDPOINT: 'http://127.0.0.1:9' }, /S3_ENDPOINT needs ORIGINALS_BUCKET/],
    [{ S3_ENDPOINT: 'http://127.0.0.1:9', WATCH: '/imports.json' }, undefined],
    [{ SQS_ENDPOINT: 'http://127.0.0.1:9' }, /SQS_ENDPOINT needs JOBS_QUEUE/],
  ];
  for (const [env, expected] of cases) {
    if (expected) t.throws(() => loadConfig(env), { message: expected }, JSON.stringify(env));
    else t.doesNotThrow(() => loadConfig(env), JSON.stringify(env));
  }
  const said = /^Bad configuration:\n {2}WARM_DEFAULTS="w=300": w=300 is not among ALLOWED_WIDTHS=100$/;
  t.throws(() => loadConfig({ ALLOWED_WIDTHS: '100', WARM_DEFAULTS: 'w=300' }), { message: said }, 'once');
  const all = () => loadConfig({ ORIGINALS_BUCKET: 'a', PROXY_HOPS: '1', MAX_UPLOAD_BYTES: '51M' });
  t.throws(all, { message: /go together[\s\S]*MAX_UPLOAD_BYTES[\s\S]*PROXY_HOPS/ }, 'all at once');
});

t.test(
  'refuses to ignore a parameter of images, by key or alias, and what is no list of names',
  async (t) => {
    t.same(loadConfig({ IGNORED_PARAMETERS: 'cb, session.id' }).ignoredParameters, ['cb', 'session.id']);
    for (const name of ['w', 'width', 'sig', 'p', 'fm', 'dpr'])
      t.throws(
        () => loadConfig({ IGNORED_PARAMETERS: `cb,${name}` }),
        /IGNORED_PARAMETERS.*is a parameter/,
        name,
      );
    const most = Array.from({ length: 128 }, (_, index) => (index < 127 ? 'x' : 'xy'));
    t.equal(
      loadConfig({ IGNORED_PARAMETERS: most.join(', ') }).ignoredParameters.length,
      128,
      '256 together',
    );
    for (const list of ['a b', 'a,,b', 'a=b', 'x'.repeat(65), [...most, 'x'].join()])
      t.throws(() => loadConfig({ IGNORED_PARAMETERS: list }), /IGNORED_PARAMETERS="/, list);
  },
);

t.test('refuses a map that would be misread, and shows nothing of a secret', async (t) => {
  const key = '00112233445566778899aabbccddeeff';
  const refused: [Record<string, string>, RegExp][] = [
    [{ SIGNING_KEYS: key }, /SIGNING_KEYS="\*\*\*".*part 1 has no "="/],
    [{ SIGNING_KEYS: `a=${key};a=${key}` }, /SIGNING_KEYS="\*\*\*".*a name is given twice/],
    [{ SIGNING_KEYS: `a b=${key}` }, /SIGNING_KEYS="\*\*\*".*name 1 is not of the form/],
    [{ SIGNING_KEYS: `{"../a":"${key}"}` }, /SIGNING_KEYS="\*\*\*".*name 1 is not of the form/],
    [{ SIGNING_KEYS: `a=${key}0` }, /SIGNING_KEYS="\*\*\*".*an even number of hex digits/],
    [{ API_TOKENS: key }, /API_TOKENS="\*\*\*".*part 1 has no "="/],
    [{ WATERMARKS: 'logo' }, /WATERMARKS="logo".*part 1 has no "="/],
    [{ WATERMARKS: 'a=x.png;-b=y.png' }, /WATERMARKS.*name 2 is not of the form/],
    [{ WATERMARKS: 'logo=../x.png' }, /WATERMARKS="logo=\.\.\/x.png": expected name=id/],
    [{ PRESETS: 'card=w=1;card=w=2' }, /PRESETS.*a name is given twice/],
    [{ PRESETS: 'my card=w=1' }, /PRESETS.*name 1 is not of the form/],
  ];
  for (const [env, expected] of refused) {
    t.throws(() => loadConfig(env), { message: expected }, JSON.stringify(env));
    try {
      loadConfig(env);
    } catch (error) {
      t.notMatch(String(error), key.slice(0, 31));
    }
  }
  t.match(loadConfig({ WATERMARKS: 'logo=marks/logo.png' }).watermarks, { logo: 'marks/logo.png' });
});

t.test('an empty variable is an absent one, whatever it is', async (t) => {
  const empty = Object.fromEntries(Object.values(SETTINGS).map(({ variable }) => [variable, '']));
  t.same(loadConfig(empty), loadConfig({}));
  t.same(loadConfig({ HOST: ' ', WEBHOOK_SECRET: '\t' }), loadConfig({}));
  t.same(loadConfig({ PRESETS: '{}' }).presets, {});
});

t.test('JWT_ISSUER and JWT_AUDIENCE do not start an open API', async (t) => {
  for (const env of [{ JWT_ISSUER: 'us' }, { JWT_AUDIENCE: 'us' }, { JWT_ISSUER: 'us', JWKS_URL: '' }])
    t.throws(() => loadConfig(env), /JWT_ISSUER and JWT_AUDIENCE need JWKS_URL/);
  t.doesNotThrow(() => loadConfig({ JWT_ISSUER: 'us', JWKS_URL: 'https://id.example.com/keys' }));
});

t.test('refuses defaults that cannot be warmed, naming the setting', async (t) => {
  t.throws(() => loadConfig({ WARM_DEFAULTS: 'w=200 wdt=3' }), /WARM_DEFAULTS="w=200 wdt=3": .*"wdt"/);
  t.throws(() => loadConfig({ WARM_DEFAULTS: 'p=nope' }), /WARM_DEFAULTS="p=nope": /);
  t.throws(() => loadConfig({ WARM_DEFAULTS: 'w=1&dl' }), /WARM_DEFAULTS="w=1&dl": "dl" belongs to a URL/);
});

t.test('takes a misspelt variable for a mistake', async (t) => {
  t.throws(() => loadConfig({ ORIGINALS_BUKET: 'a' }), /ORIGINALS_BUKET.*ORIGINALS_BUCKET/);
  const typos = {
    PRESET: 'PRESETS',
    PRESSETS: 'PRESETS',
    DATADIR: 'DATA_DIR',
    SVG_MSS: 'SVG_MS',
    API_TOKEN: 'API_TOKENS',
    LOGLEVEL: 'LOG_LEVEL',
    ALLOWED_WIDTH: 'ALLOWED_WIDTHS',
  };
  for (const [name, meant] of Object.entries(typos))
    t.throws(
      () => loadConfig({ [name]: '1' }),
      { message: `${name} is no setting; did you mean ${meant}?` },
      name,
    );
  const foreign = [
    'HOME',
    'SHELL',
    'HOSTNAME',
    'PWD',
    'OLDPWD',
    'EDITOR',
    'REVISED',
    'PREFIX',
    'SHLVL',
    'HOSTS',
    'LOGNAME',
    'NODE_ENV',
  ];
  for (const name of foreign) t.doesNotThrow(() => loadConfig({ [name]: '1' }), name);
  t.doesNotThrow(() => loadConfig({ HOSTNAME: 'a', PATH: '/bin', S3_ENDPOINTS_LIST: 'x' }));
});

t.test('every setting has a variable of its own and a sentence', async (t) => {
  const rows = Object.values(SETTINGS);
  t.equal(new Set(rows.map(({ variable }) => variable)).size, rows.length);
  for (const { doc, variable } of rows) t.match(doc, /^[A-Z].*\.$/, variable);
});
