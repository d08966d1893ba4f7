import t from 'tap';
import { loadConfig, SETTINGS } from '../../server/config.ts';

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
      'MEMORY_CACHE_BYTES="lots": expected bytes such as 50M or 256MiB (README#memory_cache_bytes)',
    );
    t.match(message, /Preset "card".*"0" is not accepted for "w"/);
    t.notMatch(message, 'hunter2');
  }
});

t.test('refuses settings that contradict each other', async (t) => {
  t.throws(() => loadConfig({ ORIGINALS_BUCKET: 'a' }), /ORIGINALS_BUCKET and RESULTS_BUCKET go together/);
  t.throws(() => loadConfig({ SIGNATURES: 'required' }), /needs SIGNING_KEYS/);
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
