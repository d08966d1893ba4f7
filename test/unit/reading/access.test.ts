import t from 'tap';
import { loadConfig } from '../../../server/config/settings.ts';
import { readQuery } from '../../../server/core/operations/transformation.ts';
import { Access } from '../../../server/reading/access.ts';
import { isProblem } from '../../../server/shared/errors.ts';
import { API_TOKENS } from '../../support/env.ts';

const NOW = 1_800_000_000;

/** Code of what is said to a query, or `served`. */
function asker(env: Record<string, string>) {
  const config = loadConfig(env);
  const access = new Access(config, () => NOW);
  return (query: string) => {
    try {
      access.check({ id: 'a', read: readQuery(query, config.presets), written: () => '' });
      return 'served';
    } catch (error) {
      if (isProblem(error)) return error.code;
      throw error;
    }
  };
}

t.test('presets only: each preset in every step of dpr and every format, and nothing else', async (t) => {
  const ask = asker({ PRESETS_ONLY: '1', PRESETS: 'card=w=400&h=300&fit=cover;q=w=100&q=50' });
  for (const name of ['card', 'q']) {
    for (let dpr = 1; dpr <= 5; dpr += 0.25) {
      for (const format of ['auto', 'source', 'avif', 'webp', 'jpeg', 'png', 'gif'])
        t.equal(ask(`p=${name}&dpr=${dpr}&fmt=${format}`), 'served', `${name} ${dpr} ${format}`);
    }
  }
  for (const dpr of ['0.5', '1.100000023841858', '4.99'])
    t.equal(ask(`p=card&dpr=${dpr}`), 'served', `in whatever decimals: ${dpr}`);
  t.equal(ask('w=400&h=300&fit=cover'), 'served', 'the same picture in other words');
  for (const query of ['w=401&h=300&fit=cover', 'p=card&blur=2', 'p=card&q=80', ''])
    t.equal(ask(query), 'not_allowed', query);
});

t.test('allowed widths: the width that is loaded, and no height without one', async (t) => {
  const ask = asker({ ALLOWED_WIDTHS: '200,400' });
  for (const query of ['w=200', 'w=100&dpr=2', 'w=400&h=7', '']) t.equal(ask(query), 'served', query);
  for (const query of ['w=201', 'w=200&dpr=4', 'h=200']) t.equal(ask(query), 'not_allowed', query);
});

t.test('a URL that says when it ends has ended then, whether it must be signed or not', async (t) => {
  for (const env of [{}, { SIGNATURES: 'edge', API_TOKENS }]) {
    const ask = asker(env);
    t.equal(ask(`w=1&exp=${NOW}`), 'served');
    t.equal(ask(`w=1&exp=${NOW - 1}`), 'url_expired');
  }
});
