/** JPEG quality against the quality that looks alike in another codec: bench/quality.ts, docs/quality.md. */
const LOOKS_ALIKE = {
  webp: [
    [1, 1],
    [20, 7],
    [30, 17],
    [40, 29],
    [50, 40],
    [60, 54],
    [70, 71],
    [75, 77],
    [80, 81],
    [85, 85],
    [90, 90],
    [95, 96],
    [100, 100],
  ],
  avif: [
    [1, 1],
    [20, 25],
    [30, 33],
    [40, 39],
    [50, 43],
    [60, 47],
    [70, 52],
    [75, 58],
    [80, 63],
    [85, 69],
    [90, 80],
    [95, 90],
    [100, 100],
  ],
} as const;

/**
 * Maps `q`, which is on JPEG's scale, to a codec, so that one number looks alike in all of them.
 *
 * @param q  1-100
 * @returns  1-100, whole
 */
export function codecQuality(format: 'jpeg' | 'webp' | 'avif', q: number): number {
  return Math.round(format === 'jpeg' ? q : between(LOOKS_ALIKE[format], q));
}

/**
 * The way back: the `q` that looks like a codec's own quality.
 *
 * @param quality  1-100
 * @returns        1-100, whole
 */
export function commonQuality(format: 'jpeg' | 'webp', quality: number): number {
  return Math.round(exactQuality(format, quality));
}

/** The same, not whole: codecQuality leads back from it. */
export function exactQuality(format: 'jpeg' | 'webp' | 'avif', quality: number): number {
  if (format === 'jpeg') return quality;
  return between(
    LOOKS_ALIKE[format].map(([jpeg, codec]) => [codec, jpeg] as const),
    quality,
  );
}

/** On the straight lines between points that rise. */
function between(points: ReadonlyArray<readonly [number, number]>, x: number): number {
  const above = points.findIndex(([start]) => start >= x);
  const [highX, high] = points[above] ?? [100, 100];
  const [lowX, low] = points[above - 1] ?? [highX, high];
  const share = highX === lowX ? 0 : (x - lowX) / (highX - lowX);
  return low + share * (high - low);
}
