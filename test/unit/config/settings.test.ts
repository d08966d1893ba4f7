import t from 'tap';
import { loadConfig, SETTINGS } from '../../../server/config/settings.ts';

t.test('needs nothing: every default reads back', async (t) => {
  const config = loadConfig({});
  t.match(config, { port: 8080, dataDir: './data', signatures: 'off', presetsOnly: false });
  t.ok(Object.isFrozen(config));
});

t.test('reads every kind of value', async (t) => {
  const config = loadConfig({
    MEMORY_CACHE_BYTES: '64MiB',
    ALLOWED_WIDTHS: '100, 200',
    PRESETS: '{"a":"w=10"}',
    WARM_DEFAULTS: 'w=200 p=a&fmt=webp',
    SIGNING_KEYS: `main=${'ab'.repeat(16)}`,
    PUBLIC_URL: 'https://cdn.example.com/',
  });
  t.match(config, {
    memoryBytes: 64 * 2 ** 20,
    allowedWidths: [100, 200],
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

t.test('refuses settings that contradict each other', async (t) => {
  t.throws(() => loadConfig({ ORIGINALS_BUCKET: 'a' }), /ORIGINALS_BUCKET and RESULTS_BUCKET go together/);
  t.throws(() => loadConfig({ SIGNATURES: 'required' }), /needs SIGNING_KEYS/);
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
    for (const list of ['a b', 'a,,b', 'a=b', 'x'.repeat(65)])
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
  t.doesNotThrow(() => loadConfig({ HOSTNAME: 'a', PATH: '/bin', S3_ENDPOINTS_LIST: 'x' }));
});

t.test('every setting has a variable of its own and a sentence', async (t) => {
  const rows = Object.values(SETTINGS);
  t.equal(new Set(rows.map(({ variable }) => variable)).size, rows.length);
  for (const { doc, variable } of rows) t.match(doc, /^[A-Z].*\.$/, variable);
});
