import fc from 'fast-check';
import t from 'tap';
import { loadConfig } from '../../../../server/config/settings.ts';
import { readQuery, resolved, withAutoQuality } from '../../../../server/core/operations/transformation.ts';
import { NEGOTIATED } from '../../../../server/core/query/accept.ts';
import type { Canonical } from '../../../../server/core/query/canonical.ts';
import { always } from '../../../support/property.ts';

const { presets } = loadConfig({ QUALITY: 'auto', PRESETS: 'card=w=400;fine=w=400&q=90' });
const read = (query: string) => readQuery(query, presets).canonical;

t.test(
  'where q is auto unless said, the canonical form says so, and 75 where that is asked for',
  async (t) => {
    for (const [query, canonical] of [
      ['', 'q=auto'],
      ['w=80', 'q=auto&w=80'],
      ['w=80&q=auto', 'q=auto&w=80'],
      ['w=80&q=75', 'q=75&w=80'],
      ['w=80&quality=60', 'q=60&w=80'],
      ['p=card', 'q=auto&w=400'],
      ['p=fine', 'q=90&w=400'],
      ['fmt=png', 'fmt=png'],
      ['fmt=gif&w=80', 'fmt=gif&w=80'],
      ['ph=thumbhash', 'ph=thumbhash'],
      ['lossless=1&fmt=webp', 'fmt=webp&lossless=1'],
      ['mb=90k', 'mb=90000&q=auto'],
    ] as const)
      t.equal(read(query), canonical, query);
    t.throws(() => read('lossless=1&q=75'), { code: 'conflicting_parameters' }, 'as everywhere');
    t.same(Object.keys(presets), ['$card', '$fine'], 'no preset of that name');
  },
);

t.test('elsewhere nothing changes, and auto may be asked for', async (t) => {
  for (const [query, canonical] of [
    ['', ''],
    ['q=75', ''],
    ['q=auto', 'q=auto'],
    ['q=AUTO&fmt=webp', 'fmt=webp&q=auto'],
    ['q=auto&fmt=png', 'fmt=png'],
  ] as const)
    t.equal(readQuery(query, {}).canonical, canonical, query);
  t.throws(() => readQuery('q=best', {}), /allowed: 1-100, or auto/);
});

t.test('a canonical form reads back to itself, in each format that is negotiated', async (t) => {
  const parts = fc.subarray([
    'w=300',
    'h=200',
    'q=75',
    'q=60',
    'lossless=1',
    'mb=90k',
    'colors=16',
    'chroma=444',
    'anim=0',
  ]);
  const fmt = fc.constantFrom(
    '',
    'fmt=auto',
    'fmt=webp',
    'fmt=avif',
    'fmt=jpeg',
    'fmt=png',
    'fmt=source',
    'ph=lqip',
  );
  const property = fc.property(parts, fmt, fc.constantFrom(...NEGOTIATED), (some, format, negotiated) => {
    let given: Canonical;
    try {
      given = readQuery([...some, format].filter(Boolean).join('&'), presets);
    } catch {
      return true;
    }
    const { canonical, negotiable } = given;
    const form = negotiable ? resolved(canonical, negotiated) : canonical;
    return read(canonical) === canonical && read(form) === form;
  });
  always(t, property, { numRuns: 400 });
});

t.test('presets with it are others than those without', async (t) => {
  const plain = loadConfig({ PRESETS: 'card=w=400' }).presets;
  t.equal(readQuery('p=card', plain).canonical, 'w=400');
  t.equal(readQuery('p=card', withAutoQuality(plain)).canonical, 'q=auto&w=400');
});
