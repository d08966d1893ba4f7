import fc from 'fast-check';
import type { Test } from 'tap';
import { cutFirst, planGeometry } from '../../server/core/geometry/geometry.ts';
import type { Transformation } from '../../server/core/operations/index.ts';
import { INDEX, readQuery, readTransformation } from '../../server/core/operations/transformation.ts';
import { canonicalize } from '../../server/core/query/canonical.ts';
import { splitQuery } from '../../server/core/query/pairs.ts';
import { always } from './property.ts';

export const values = (query: string): Transformation => readTransformation(readQuery(query, {}).canonical);
const side = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 12_000 }),
  fc.constantFrom(65_500, 1),
);
const image = fc.record({ width: side, height: side });

/** Queries of geometry alone; some contradict and are left out. */
const query = fc
  .record(
    {
      w: fc.integer({ min: 1, max: 8192 }),
      h: fc.integer({ min: 1, max: 8192 }),
      ar: fc.constantFrom('1', '16:9', '0.01', '100', '3:4'),
      fit: fc.constantFrom('inside', 'cover', 'contain', 'fill', 'outside'),
      g: fc.constantFrom('n', 'se', 'center', 'attention', 'focal'),
      fp: fc.constantFrom('0,0', '1,1', '0.3,0.9'),
      zoom: fc.constantFrom('1.5', '10'),
      up: fc.constantFrom('1'),
      rot: fc.constantFrom('90', '180', '45'),
      flip: fc.constantFrom('h', 'v', 'hv'),
      rect: fc.constantFrom('0,0,7,9', 'r,0.25,0.5,0.5,0.5', 'r,0.9,0.9,0.1,0.1', '0,0,65500,1'),
    },
    { requiredKeys: [] },
  )
  .map((parts) =>
    Object.entries(parts)
      .map(([key, value]) => `${key}=${value}`)
      .join('&'),
  )
  .filter((text) => !('error' in canonicalize(INDEX, splitQuery(text) ?? [], {})));

type Check = (planned: ReturnType<typeof plan>) => boolean;

const holds = (t: Test, numRuns: number, check: Check) =>
  always(
    t,
    fc.property(image, query, fc.boolean(), (size, text, vector) => check(plan(size, text, vector))),
    { numRuns },
  );
function plan(size: { width: number; height: number }, text: string, vector: boolean) {
  const given = values(text);
  const geometry = planGeometry(size, given, { vector });
  return { size, given, vector, picture: geometry.region ?? size, geometry, cut: cutFirst(geometry, size) };
}
const whole = ({ width, height }: { width: number; height: number }) =>
  Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1;
const inside = (
  box: { left: number; top: number; width: number; height: number },
  frame: { width: number; height: number },
) =>
  box.left >= 0 &&
  box.top >= 0 &&
  box.left + box.width <= frame.width &&
  box.top + box.height <= frame.height &&
  whole(box);

const PROPERTIES: Readonly<Record<string, Check>> = {
  'no side is 0, broken or above 8192': ({ geometry }) =>
    whole(geometry.result) &&
    whole(geometry.scaled) &&
    Math.max(geometry.result.width, geometry.result.height) <= 8192,
  'region, crop and picture lie inside what they are cut from or put on': ({
    size,
    geometry: { region, crop, scaled, canvas },
    cut,
  }) =>
    (!region || inside(region, size)) &&
    (!crop || inside(crop, scaled)) &&
    (!canvas || (inside(canvas.at, canvas.size) && canvas.at.width === scaled.width)) &&
    (!cut.region || inside(cut.region, size)) &&
    (!cut.crop || inside(cut.crop, cut.scaled)),
  'nothing is enlarged without up, unless it is a drawing': ({
    given,
    vector,
    picture,
    geometry: { scaled },
  }) => given.up === true || vector || (scaled.width <= picture.width && scaled.height <= picture.height),
  'cutting first does not change the size of the result': ({ geometry, cut }) => {
    const after = cut.canvas?.size ?? cut.crop ?? cut.scaled;
    const before = geometry.canvas?.size ?? geometry.crop ?? geometry.scaled;
    return after.width === before.width && after.height === before.height;
  },
};

/** What holds of every geometry, tried on `numRuns` pictures and queries each. */
export function geometryProperties(t: Test, numRuns: number): void {
  for (const [name, check] of Object.entries(PROPERTIES)) t.test(name, async (t) => holds(t, numRuns, check));
}
