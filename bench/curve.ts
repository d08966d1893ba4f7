/** What an encoder makes of one picture at one quality of its own. */
export interface Point {
  readonly quality: number;
  /** SSIMULACRA2. */
  readonly score: number;
  readonly bytes: number;
}

type Axis = (point: Point) => number;
export const quality: Axis = (point) => point.quality;
export const likeness: Axis = (point) => point.score;
export const logBytes: Axis = (point) => Math.log(point.bytes);

/** Points whose score rises: where it does not, quality is wasted. */
export function rising(points: readonly Point[]): Point[] {
  const risen: Point[] = [];
  for (const point of points) {
    const least = risen.at(-1)?.score ?? Number.NEGATIVE_INFINITY;
    risen.push({ ...point, score: Math.max(least + 0.01, point.score) });
  }
  return risen;
}

/** On the straight lines between points, and beyond their ends. */
export function along(points: readonly Point[], from: Axis, x: number, to: Axis): number {
  const above = points.findIndex((point) => from(point) >= x);
  const high = Math.max(1, above < 0 ? points.length - 1 : above);
  const [low, up] = [points[high - 1], points[high]];
  if (!low || !up) return Number.NaN;
  return to(low) + ((x - from(low)) / (from(up) - from(low))) * (to(up) - to(low));
}

/** Bytes at a score. */
export const bytesAt = (points: readonly Point[], score: number): number =>
  Math.exp(along(points, likeness, score, logBytes));
