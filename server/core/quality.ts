/** JPEG quality against the quality that looks alike in another codec, as measured by bench/quality.ts. */
const LOOKS_ALIKE = {
  webp: [
    [1, 1],
    [10, 8],
    [30, 24],
    [49, 42],
    [65, 61],
    [75, 72],
    [85, 84],
    [95, 95],
    [100, 100],
  ],
  avif: [
    [1, 1],
    [10, 18],
    [30, 36],
    [49, 45],
    [65, 51],
    [75, 58],
    [85, 68],
    [95, 84],
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
