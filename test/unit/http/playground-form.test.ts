import t from 'tap';
import { loadConfig } from '../../../server/config/settings.ts';
import { playgroundForm } from '../../../server/http/playground-form.ts';

const form = (env: Record<string, string>, more = {}) =>
  playgroundForm({ settings: loadConfig(env), watermarks: [], api: 'open', isReadOnly: false, ...more });

t.test('the form says how a deployment serves, and its small picture is one that it serves', async (t) => {
  const API_TOKENS = `a=write:${'0'.repeat(64)}`;
  const signed = { SIGNATURES: 'required', SIGNING_KEYS: `k=${'aa'.repeat(32)}`, API_TOKENS };
  t.match(await form({}), { isSigned: false, isPresetsOnly: false, api: 'open', thumbnail: 'w=240&q=60' });
  t.match(await form({ PRESETS_ONLY: '1' }), { isPresetsOnly: true, thumbnail: 'p=thumb' });
  t.match(await form({ PRESETS_ONLY: '1', PRESETS: 'a=gray;b=w=9' }), { thumbnail: 'p=b' });
  t.match(await form({ ALLOWED_WIDTHS: '1600,320,640' }), { thumbnail: 'w=320&q=60' });
  t.match(await form({ ALLOWED_WIDTHS: '200,100' }), { allowedWidths: [100, 200], thumbnail: 'w=200&q=60' });
  t.match(await form({ ALLOWED_WIDTHS: '100' }), { allowedWidths: [100], thumbnail: 'w=100&q=60' });
  t.match(await form(signed, { api: 'token' }), { isSigned: true, api: 'token' });
  t.match(await form({ PUBLIC_URL: 'https://i.example.com', MAX_UPLOAD_BYTES: '1M' }), {
    publicUrl: 'https://i.example.com',
    maxUploadBytes: 1_000_000,
    presets: [{ name: 'card', canonical: 'fit=cover&h=300&w=400' }, { name: 'thumb' }, { name: 'hero' }],
  });
});
