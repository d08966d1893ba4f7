import fc from 'fast-check';
import t from 'tap';
import { cutFirst, planGeometry } from '../../../../server/core/geometry/geometry.ts';
import { regionOf } from '../../../../server/core/geometry/region.ts';
import type { Turn } from '../../../../server/core/geometry/turns.ts';
import {
  compose,
  inverse,
  turnBox,
  turnOfOrientation,
  turnSize,
  UPRIGHT,
} from '../../../../server/core/geometry/turns.ts';
import { geometryProperties, values } from '../../../support/geometry.ts';
import { always } from '../../../support/property.ts';
import { times } from '../../../support/sample.ts';

geometryProperties(t, 500);

t.test(
  'an exact side stays exact: both with cover and contain where there is room, one with inside',
  async (t) => {
    const room = fc.integer({ min: 100, max: 4000 });
    always(
      t,
      fc.property(
        room,
        room,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 100 }),
        (width, height, w, h) => {
          const size = { width, height };
          const both = (fit: string) => planGeometry(size, values(`w=${w}&h=${h}&fit=${fit}`)).result;
          const exact = { width: w, height: h };
          const inBox = both('inside');
          const wide = planGeometry(size, values(`w=${w}`)).result;
          return (
            ['cover', 'contain', 'fill'].every(
              (fit) => both(fit).width === exact.width && both(fit).height === exact.height,
            ) &&
            (inBox.width === w || inBox.height === h) &&
            inBox.width <= w &&
            inBox.height <= h &&
            wide.width === w
          );
        },
      ),
      { numRuns: times(400, 1000) },
    );
  },
);

t.test('cover keeps the aspect of the picture to half a pixel', async (t) => {
  const room = fc.integer({ min: 20, max: 4000 });
  always(
    t,
    fc.property(
      room,
      room,
      fc.integer({ min: 1, max: 3000 }),
      fc.integer({ min: 1, max: 3000 }),
      (width, height, w, h) => {
        const { scaled } = planGeometry({ width, height }, values(`w=${w}&h=${h}&fit=cover&up`));
        return Math.abs(scaled.width - (scaled.height * width) / height) <= Math.max(1, width / height);
      },
    ),
  );
});

t.test('examples', async (t) => {
  const cases: readonly [size: [number, number], query: string, result: [number, number]][] = [
    [[4000, 3000], 'w=800', [800, 600]],
    [[4000, 3000], 'h=800', [1067, 800]],
    [[4000, 3000], 'w=800&h=800', [800, 600]],
    [[4000, 3000], 'w=800&h=800&fit=outside', [1067, 800]],
    [[4000, 3000], 'w=800&h=800&fit=cover', [800, 800]],
    [[4000, 3000], 'w=800&h=800&fit=contain', [800, 800]],
    [[4000, 3000], 'w=800&h=200&fit=fill', [800, 200]],
    [[4000, 3000], 'w=333&h=333&fit=cover&rot=90', [333, 333]],
    [[4000, 3000], 'w=800&rot=90', [600, 800]],
    [[4000, 3000], 'ar=1:1', [3000, 3000]],
    [[4000, 3000], 'ar=1:1&fit=contain', [4000, 4000]],
    [[4000, 3000], 'ar=16:9&w=800&fit=cover', [800, 450]],
    [[4000, 3000], 'rect=0,0,400,100&w=200', [200, 50]],
    [[100, 50], 'w=300&h=300&fit=cover', [50, 50]],
    [[100, 50], 'w=300&h=300&fit=cover&up', [300, 300]],
    [[10_000, 1], 'w=64', [64, 1]],
    [[1, 10_000], '', [1, 8192]],
    [[20_000, 10_000], '', [8192, 4096]],
    [[5000, 5000], 'w=8192&h=8192&fit=contain', [8192, 8192]],
  ];
  for (const [[width, height], query, [across, down]] of cases) {
    const { result } = planGeometry({ width, height }, values(query));
    t.same(result, { width: across, height: down }, `${width} x ${height}, ${query}`);
  }
  t.same(planGeometry({ width: 20_000, height: 100 }, {}).warnings, ['limited-to-8192']);
  t.same(planGeometry({ width: 20, height: 10 }, values('w=200'), { vector: true }).result, {
    width: 200,
    height: 100,
  });
});

t.test('a focal point is that of the whole image, also inside a region', async (t) => {
  const { crop } = planGeometry(
    { width: 400, height: 100 },
    values('rect=200,0,200,100&w=100&h=100&fit=cover&fp=0.75,0.5'),
  );
  t.same(crop, { left: 50, top: 0, width: 100, height: 100 });
});

t.test('turns make a group that carries boxes along', async (t) => {
  const turn = fc.constantFrom(...[1, 2, 3, 4, 5, 6, 7, 8].map(turnOfOrientation));
  const frame = { width: 70, height: 50 };
  const box = { left: 3, top: 5, width: 20, height: 11 };
  const same = (a: Turn, b: Turn) => a.flop === b.flop && a.angle === b.angle;
  always(
    t,
    fc.property(turn, turn, turn, (a, b, c) => {
      const moved = turnBox(turnBox(box, frame, a), turnSize(frame, a), b);
      const direct = turnBox(box, frame, compose(a, b));
      return (
        same(compose(a, inverse(a)), UPRIGHT) &&
        same(compose(compose(a, b), c), compose(a, compose(b, c))) &&
        JSON.stringify(moved) === JSON.stringify(direct)
      );
    }),
  );
});

t.test('a region is rounded to pixels, clamped, and refused only where it misses the image', async (t) => {
  const image = { width: 100, height: 50 };
  const region = (left: number, top: number, width: number, height: number, relative = false) =>
    regionOf({ left, top, width, height, relative }, image);
  t.same(region(0.5, 0.5, 0.25, 0.5, true), {
    box: { left: 50, top: 25, width: 25, height: 25 },
    clamped: false,
  });
  t.same(region(90, 40, 20, 20), { box: { left: 90, top: 40, width: 10, height: 10 }, clamped: true });
  t.equal(region(90, 0, 20, 20).clamped, true, 'at the right alone');
  t.equal(region(0, 40, 20, 20).clamped, true, 'at the bottom alone');
  t.equal(region(80, 30, 20, 20).clamped, false);
  t.same(region(0.999, 0.999, 0.001, 0.001, true).box, { left: 99, top: 49, width: 1, height: 1 });
  t.throws(() => region(100, 0, 1, 1), {
    code: 'no_overlap',
    facts: { param: 'rect', received: '100,0,1,1' },
  });
  t.throws(() => region(1, 0, 0.5, 0.5, true), { code: 'no_overlap', facts: { received: 'r,1,0,0.5,0.5' } });
});

t.test('a crop around a focal point is as near to it as whole pixels and the edges allow', async (t) => {
  const share = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
  const sides = fc.record({
    image: fc.integer({ min: 2, max: 400 }),
    window: fc.integer({ min: 1, max: 399 }),
  });
  always(
    t,
    fc.property(sides, share, ({ image, window }, x) => {
      fc.pre(window < image);
      const { crop, region } = cutFirst(
        planGeometry({ width: image, height: 9 }, values(`w=${window}&h=9&fit=cover&fp=${x},0`)),
        { width: image, height: 9 },
      );
      const left = (crop ?? region)?.left ?? 0;
      const off = (start: number): number => Math.abs(start + window / 2 - x * image);
      const starts = Array.from({ length: image - window + 1 }, (_, start) => start);
      return off(left) <= Math.min(...starts.map(off)) + 1e-9;
    }),
    { numRuns: 400 },
  );
});

t.test('what is cut out of a picture to be enlarged keeps its shape and its place', async (t) => {
  const side = fc.integer({ min: 20, max: 400 });
  const asked = fc.record({
    w: fc.integer({ min: 1, max: 1600 }),
    h: fc.integer({ min: 1, max: 1600 }),
    zoom: fc.integer({ min: 10, max: 40 }).map((tenths) => tenths / 10),
    at: fc.constantFrom('g=nw', 'g=e', 'g=center', 'fp=0.3,0.9', 'fp=0.52,0.48'),
  });
  always(
    t,
    fc.property(side, side, asked, (width, height, { w, h, zoom, at }) => {
      const planned = planGeometry(
        { width, height },
        values(`w=${w}&h=${h}&fit=cover&up&zoom=${zoom}&${at}`),
      );
      const { region, scaled, crop } = cutFirst(planned, { width, height });
      fc.pre(planned.crop !== undefined && region !== undefined && w * h < 400_000);
      const axes = [
        ['left', 'width', width],
        ['top', 'height', height],
      ] as const;
      return axes.every(([start, length, whole]) => {
        const factor = planned.scaled[length] / whole;
        const off = (before: number): number => {
          const here = region[start] + ((crop?.[start] ?? 0) + before) * (region[length] / scaled[length]);
          return Math.abs(here - ((planned.crop?.[start] ?? 0) + before) / factor) * factor;
        };
        return off(0) <= 1.01 && off(crop?.[length] ?? scaled[length]) <= 1.01;
      });
    }),
    { numRuns: 2000 },
  );
});

t.test('no gigapixels are made of a pixel to be cropped', async (t) => {
  for (const [width, height] of [
    [1, 1],
    [1, 300],
    [4, 4],
    [33, 7],
  ] as const)
    for (const query of ['w=8192&h=1', 'w=8192&h=8192', 'w=1&h=8192']) {
      const image = { width, height };
      const planned = planGeometry(image, values(`${query}&fit=cover&up&zoom=9.7`));
      const { scaled } = cutFirst(planned, image);
      t.ok(scaled.width * scaled.height <= planned.result.width * planned.result.height + 4e6, query);
    }
});

t.test('fit=fill tells where it changes the shape by more than 1 %, and of no rounding', async (t) => {
  const warnings = (query: string, width = 3000, height = 2000) =>
    planGeometry({ width, height }, values(query)).warnings;
  for (const query of [
    'w=300&h=205&fit=fill',
    'w=300&h=300&fit=fill',
    'ar=1&fit=fill',
    'w=9000&h=20&fit=fill',
  ])
    t.same(warnings(query.replace('9000', '8000')), ['distorted'], query);
  for (const query of [
    'w=300&h=200&fit=fill',
    'w=300&h=202&fit=fill',
    'w=10&h=7&fit=fill',
    'w=300&h=205',
    'w=8&h=5&fit=fill',
  ])
    t.same(warnings(query), [], query);
});
