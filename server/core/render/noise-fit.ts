/** What is known of the difference that a codec has made to a pixel: between two numbers, 0-255. */
export interface Bounds {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Largest miss that is none: half a level of rounding. */
const TOLERANCE = 0.35;
const PROJECTIONS = 100;
/** Rounds between two looks at whether it still gets better, and by how much it must. */
const [LOOK, BETTER] = [20, 0.97];
/** Further than to the bound: projections alone creep. */
const OVERSHOOT = 1.6;

const bases = new Map<number, Float64Array>();

/** Rows are the waves of the orthonormal DCT. */
function basisOf(side: number): Float64Array {
  const known = bases.get(side);
  if (known) return known;
  const basis = new Float64Array(side * side);
  for (let wave = 0; wave < side; wave++)
    for (let x = 0; x < side; x++)
      basis[wave * side + x] =
        Math.sqrt((wave ? 2 : 1) / side) * Math.cos(((2 * x + 1) * wave * Math.PI) / (2 * side));
  bases.set(side, basis);
  return basis;
}

/**
 * Whether a codec can have made a difference between these bounds: one whose coefficients are no larger than what it
 * rounds by. Both sets are convex, so projecting on one and the other in turn ends in both where they meet
 * (https://en.wikipedia.org/wiki/Projections_onto_convex_sets).
 *
 * @param side    px of a block
 * @param limits  of each coefficient of the orthonormal DCT, row by row
 */
export function isCodecNoise(side: number, { low, high }: Bounds, limits: Float64Array): boolean {
  const within = (value: number, index: number) =>
    Math.min(high[index] ?? 0, Math.max(low[index] ?? 0, value));
  const tried = Float64Array.from(low, (_value, index) => within(0, index));
  const fitted = new Float64Array(side * side);
  let before = Number.POSITIVE_INFINITY;
  for (let projection = 1; projection <= PROJECTIONS; projection++) {
    limit(tried, fitted, side, limits);
    let miss = 0;
    for (let index = 0; index < tried.length; index++) {
      const value = fitted[index] ?? 0;
      const step = within(value, index) - value;
      miss = Math.max(miss, Math.abs(step));
      tried[index] = value + OVERSHOOT * step;
    }
    if (miss < TOLERANCE) return true;
    if (projection % LOOK > 0) continue;
    if (miss > before * BETTER) return false;
    before = miss;
  }
  return false;
}

/** Writes a block with each of its coefficients within its limits. */
export function limit(block: Float64Array, limited: Float64Array, side: number, limits: Float64Array): void {
  const [halfway, waves] = scratchOf(side);
  forward(block, halfway, side);
  forward(halfway, waves, side);
  for (let index = 0; index < waves.length; index++) {
    const most = limits[index] ?? 0;
    const wave = waves[index] ?? 0;
    if (wave > most) waves[index] = most;
    else if (wave < -most) waves[index] = -most;
  }
  backward(waves, halfway, side);
  backward(halfway, limited, side);
}

/** Kept between calls: a thousand of them look at one picture. */
const scratches = new Map<number, readonly [Float64Array, Float64Array]>();

function scratchOf(side: number): readonly [Float64Array, Float64Array] {
  const known = scratches.get(side);
  const scratch = known ?? [new Float64Array(side * side), new Float64Array(side * side)];
  if (!known) scratches.set(side, scratch);
  return scratch;
}

/** Waves of each row, written as a column: twice gives both directions. */
function forward(block: Float64Array, waves: Float64Array, side: number): void {
  const basis = basisOf(side);
  for (let row = 0; row < side; row++)
    for (let wave = 0; wave < side; wave++) {
      let sum = 0;
      for (let x = 0; x < side; x++) sum += (basis[wave * side + x] ?? 0) * (block[row * side + x] ?? 0);
      waves[wave * side + row] = sum;
    }
}

function backward(waves: Float64Array, block: Float64Array, side: number): void {
  const basis = basisOf(side);
  for (let row = 0; row < side; row++)
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let wave = 0; wave < side; wave++)
        sum += (basis[wave * side + x] ?? 0) * (waves[row * side + wave] ?? 0);
      block[x * side + row] = sum;
    }
}
