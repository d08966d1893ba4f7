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
  if (format === 'jpeg') return q;
  const points: ReadonlyArray<readonly [number, number]> = LOOKS_ALIKE[format];
  const above = points.findIndex(([jpeg]) => jpeg >= q);
  const [highJpeg, high] = points[above] ?? [100, 100];
  const [lowJpeg, low] = points[above - 1] ?? [highJpeg, high];
  const share = highJpeg === lowJpeg ? 0 : (q - lowJpeg) / (highJpeg - lowJpeg);
  return Math.round(low + share * (high - low));
}
