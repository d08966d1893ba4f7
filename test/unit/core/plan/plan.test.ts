import fc from 'fast-check';
import t from 'tap';
import { readQuery, readTransformation } from '../../../../server/core/operations/transformation.ts';
import type { Source } from '../../../../server/core/original/source.ts';
import { checkPixels, formatOf, readSource, uprightSize } from '../../../../server/core/original/source.ts';
import { makePlan } from '../../../../server/core/plan/plan.ts';
import { isProblem } from '../../../../server/shared/errors.ts';
import { always } from '../../../support/property.ts';
import { given, queryOf } from '../../../support/queries.ts';
import { times } from '../../../support/sample.ts';
import { source } from '../../../support/sources.ts';

const LIMITS = { maxPixels: 100_000_000, maxFrames: 100 };
const plan = (query: string, of: Source = source()) =>
  makePlan(of, readTransformation(readQuery(query, {}).canonical), { priority: 'live', limits: LIMITS });
const names = (query: string, of?: Source) => plan(query, of).steps.map(({ name }) => name);

t.test('steps come in the documented order whatever the order of the query', async (t) => {
  const query =
    'border=2,red&pad=3&blur=2&inv&sepia=50&con=10&bri=5&gam=2&norm&median=3&sharp=1&pix=4&r=9&tint=red';
  t.same(names(query), [
    'normalise',
    'gamma 2',
    'brightness, saturation, hue',
    'contrast 10',
    'sepia 50',
    'tint #ff0000',
    'negative',
    'median 3',
    'blur 2',
    'sharpen 1',
    'blocks of 4 px',
    'round the corners',
    'pad',
    'border',
  ]);
  t.same(names(query.split('&').reverse().join('&')), names(query));
});

t.test(
  'the background goes under at once where nothing looks at it, and last where colours are changed',
  async (t) => {
    const clear = source({ format: 'png', alpha: true });
    const scale = 'resize to 100 x 75';
    t.same(names('w=100&bg=red', clear), ['lay on #ff0000', scale]);
    t.same(names('w=100&pad=5&bg=red', clear), ['lay on #ff0000', scale, 'pad']);
    t.same(names('w=100&inv&pad=5&bg=red', clear), [scale, 'negative', 'pad', 'lay on #ff0000']);
    t.same(names('w=100&fmt=jpeg', clear), ['lay on #ffffff', scale]);
    t.same(names('w=100&fmt=webp', clear), [scale]);
    t.same(names('w=100&bg=red'), [scale], 'nothing to see through');
    t.same(names('r=5&fmt=jpeg'), ['round the corners', 'lay on #ffffff']);
  },
);

t.test('the size of the result is known before anything is decoded', async (t) => {
  const sizes: Record<string, [number, number]> = {
    'w=800': [800, 600],
    'w=800&pad=10&border=5,red': [830, 630],
    'w=800&pad=1,2,3,4': [806, 604],
    'w=800&h=800&fit=contain&rot=90': [800, 800],
    'w=800&rot=90&pad=10': [620, 820],
    'w=100&h=100&fit=cover&rot=45': [141, 141],
    'ph=thumbhash': [100, 75],
  };
  for (const [query, [width, height]] of Object.entries(sizes))
    t.same(plan(query).result, { width, height }, query);
});

t.test('limits are checked by the header, with what was found and what is allowed', async (t) => {
  const huge = source({ stored: { width: 61_472, height: 32_800 } });
  t.throws(() => plan('w=10', huge), {
    code: 'too_many_pixels',
    status: 422,
    facts: { received: '61472 x 32800 px' },
  });
  const film = source({ format: 'gif', pages: 90, moving: true, stored: { width: 2000, height: 1000 } });
  t.throws(() => plan('fmt=webp', film), {
    code: 'too_many_pixels',
    facts: { received: '2000 x 1000 px x 90 frames' },
  });
  t.equal(plan('fmt=jpeg', film).moves, false, 'one frame of it is within the limit');
  checkPixels(source({ stored: { width: 10_000, height: 10_000 } }), 1, LIMITS);
});

t.test('every query gives a plan or a plain refusal for every kind of original', async (t) => {
  const kinds = [
    source(),
    source({ format: 'png', alpha: true, stored: { width: 1, height: 5000 } }),
    source({ format: 'gif', moving: true, pages: 12, stored: { width: 90, height: 70 } }),
    source({ format: 'tiff', pages: 2, deep: true, profile: true }),
    source({ format: 'svg', vector: true, alpha: true, stored: { width: 24, height: 24 } }),
    source({ cmyk: true, grey: false, stored: { width: 8000, height: 12_000 } }),
    source({ grey: true, stored: { width: 3, height: 3 } }),
  ];
  always(
    t,
    fc.property(given, fc.constantFrom(...kinds), (pairs, of) => {
      try {
        const { result, cost } = plan(queryOf(pairs), of);
        const finite = [result.width, result.height, cost.cpuMs, cost.memoryBytes].every(Number.isFinite);
        return finite && result.width >= 1 && result.height >= 1 && cost.cpuMs > 0 && cost.memoryBytes > 0;
      } catch (error) {
        return isProblem(error);
      }
    }),
    { numRuns: times(500, 1500) },
  );
});

t.test('a header without a size is damage; orientation turns the size', async (t) => {
  t.throws(() => readSource('png', 10, { width: 0, height: 5 }), { code: 'damaged_source', status: 422 });
  const turned = readSource('jpeg', 10, { width: 40, height: 30, orientation: 6 });
  t.same(uprightSize(turned, undefined), { width: 30, height: 40 });
  t.same(uprightSize(turned, '0'), { width: 40, height: 30 });
  t.throws(() => formatOf(Buffer.from('GIF88a')), { code: 'unsupported_source' });
});
