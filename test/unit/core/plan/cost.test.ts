import t from 'tap';
import { readQuery, readTransformation } from '../../../../server/core/operations/transformation.ts';
import type { Source } from '../../../../server/core/original/source.ts';
import type { Cost } from '../../../../server/core/plan/cost.ts';
import { makePlan } from '../../../../server/core/plan/plan.ts';
import { source } from '../../../support/sources.ts';

const cost = (query: string, facts: Partial<Source> = {}, priority: 'live' | 'warm' = 'live'): Cost => {
  const limits = { maxPixels: 1e9, maxFrames: 1000 };
  return makePlan(source(facts), readTransformation(readQuery(query, {}).canonical), { priority, limits })
    .cost;
};
/** From cheap to dear. */
const LADDERS: Readonly<Record<string, readonly Cost[]>> = {
  'larger results': ['w=100', 'w=400', 'w=800', 'w=1600', 'w=3200'].map((w) => cost(`${w}&fmt=webp`)),
  'larger originals': [1000, 2000, 4000, 9000].map((side) =>
    cost('w=800&fmt=png', { format: 'png', stored: { width: side, height: side } }),
  ),
  'more frames': [1, 5, 50].map((pages) =>
    cost('w=100&fmt=webp', { format: 'gif', moving: pages > 1, pages, stored: { width: 400, height: 300 } }),
  ),
  'more filters': ['', '&blur=2', '&blur=20', '&blur=20&median=15'].map((more) =>
    cost(`w=1600&fmt=jpeg${more}`),
  ),
  'a trim reads all of it': [cost('w=200'), cost('w=200&trim')],
};

t.test('more work is never cheaper', async (t) => {
  for (const [name, ladder] of Object.entries(LADDERS)) {
    for (const [at, { cpuMs, memoryBytes }] of ladder.entries()) {
      const before = ladder[at - 1];
      if (before)
        t.ok(cpuMs > before.cpuMs && memoryBytes >= before.memoryBytes, `${name}, step ${at}: ${cpuMs} ms`);
    }
  }
});

t.test('formats and lanes cost what was measured: AVIF of the warmer most of all', async (t) => {
  const ms = (fmt: string, priority: 'live' | 'warm' = 'live') =>
    cost(`w=1600&fmt=${fmt}`, {}, priority).cpuMs;
  t.ok(ms('webp') < ms('avif') && ms('avif') < ms('gif'));
  t.ok(ms('avif', 'warm') > 3 * ms('avif'));
});

t.test('memory follows the decoder: scans, AVIF and frames are held whole', async (t) => {
  const bytes = (facts: Partial<Source>) => cost('w=800', facts).memoryBytes;
  t.ok(bytes({ scans: true }) > bytes({}) + 30_000_000, 'a progressive JPEG of 12 MP');
  t.ok(bytes({ format: 'avif' }) > bytes({ scans: true }));
});

t.test('a JPEG that shrinks while it loads is cheaper than one that is cut first', async (t) => {
  t.ok(cost('w=400').cpuMs < cost('rect=0,0,3999,2999&w=400').cpuMs);
});

t.test('a drawing costs what is drawn, not what it says of itself', async (t) => {
  const svg = { format: 'svg', vector: true } as const;
  const [large, small] = [10_000, 10].map((side) =>
    cost('w=100', { ...svg, stored: { width: side, height: side } }),
  );
  t.same(large, small);
});

t.test('what a price leaves out is not saved', async (t) => {
  // libjpeg reads every coefficient however small it draws: an eighth costs as much as a quarter.
  t.ok(cost('w=100').cpuMs > 36, '12 MP at a quarter of 12 ms each');
  const held = cost('w=200&trim').memoryBytes - cost('w=200').memoryBytes;
  t.ok(held >= 4000 * 3000 * 4, 'a trim holds every pixel');
  const film = { format: 'gif', moving: true, pages: 20, stored: { width: 400, height: 300 } } as const;
  const frames = cost('w=40&trim&fmt=webp', film).memoryBytes - cost('w=40&fmt=webp', film).memoryBytes;
  t.ok(frames >= 400 * 300 * 20 * 4, 'of every frame');
});
t.test(
  'a GIF is priced by the colours it comes from, an indexed PNG by the palette, tries by their number',
  async (t) => {
    const ms = (query: string, facts: Partial<Source>) => cost(query, facts).cpuMs;
    const drawing = { format: 'gif', palette: true, stored: { width: 2000, height: 1500 } } as const;
    const photograph = { format: 'png', palette: false, stored: drawing.stored } as const;
    t.ok(ms('w=1000&fmt=gif', photograph) > 3 * ms('w=1000&fmt=gif', drawing));
    t.ok(ms('fmt=png', { ...photograph, palette: true }) > ms('fmt=png', photograph));
    t.ok(ms('fmt=jpeg', {}) > ms('fmt=jpeg&q=74', {}), 'as large and of the same format: more than one try');
    t.equal(ms('fmt=webp', {}), ms('fmt=webp&q=74', {}), 'nothing to stay within');
  },
);
