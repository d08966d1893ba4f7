/** Lightness of a picture, 0-255, row by row. */
export interface Plane {
  readonly levels: Float32Array;
  readonly width: number;
  readonly height: number;
}

interface Shape {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** ITU-R BT.601, as JPEG has it. */
const [RED, GREEN, BLUE] = [0.299, 0.587, 0.114];
const [CB, CR] = [0.564, 0.713];
const BLOCK = 8;
/** (0.03 x 255)^2, which keeps flat blocks from counting (SSIM, C2). */
const FLAT = 58.5225;

/** Luma at half the size: the mean of each 2 x 2 px; of an odd side the last line counts twice. */
export function halfLuma(pixels: Uint8Array, shape: Shape): Plane {
  const [width, height] = [Math.ceil(shape.width / 2), Math.ceil(shape.height / 2)];
  const levels = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const rows = [2 * y * shape.width, Math.min(2 * y + 1, shape.height - 1) * shape.width] as const;
    for (let x = 0; x < width; x++) {
      const right = Math.min(2 * x + 1, shape.width - 1);
      let sum = 0;
      for (const row of rows)
        sum +=
          lumaOf(pixels, (row + 2 * x) * shape.channels) + lumaOf(pixels, (row + right) * shape.channels);
      levels[y * width + x] = sum / 4;
    }
  }
  return { levels, width, height };
}

const level = (pixels: Uint8Array, offset: number): number => pixels[offset] ?? 0;

const lumaOf = (pixels: Uint8Array, offset: number): number =>
  RED * level(pixels, offset) + GREEN * level(pixels, offset + 1) + BLUE * level(pixels, offset + 2);

/** Mean squared differences of luma, and of both colour differences together. */
export function errorsOf(
  pixels: Uint8Array,
  others: Uint8Array,
  channels: number,
): { lumaError: number; colourError: number } {
  const count = Math.floor(Math.min(pixels.length, others.length) / channels);
  let [luma, colour] = [0, 0];
  for (let offset = 0; offset < count * channels; offset += channels) {
    const red = level(pixels, offset) - level(others, offset);
    const green = level(pixels, offset + 1) - level(others, offset + 1);
    const blue = level(pixels, offset + 2) - level(others, offset + 2);
    const y = RED * red + GREEN * green + BLUE * blue;
    luma += y * y;
    colour += (CB * (blue - y)) ** 2 + (CR * (red - y)) ** 2;
  }
  return { lumaError: luma / Math.max(1, count), colourError: colour / Math.max(1, count) };
}

/**
 * How much of what is drawn in blocks of 8 x 8 is not there in the other: 1 less the mean of SSIM's contrast and structure.
 *
 * @returns  0 where they are the same; rarely above 1
 */
export function structureLoss(plane: Plane, other: Plane): number {
  let [sum, count] = [0, 0];
  for (let top = 0; top < plane.height; top += BLOCK) {
    for (let left = 0; left < plane.width; left += BLOCK) {
      sum += alikeBlock(plane, other, left, top);
      count += 1;
    }
  }
  return 1 - sum / Math.max(1, count);
}

function alikeBlock(plane: Plane, { levels: others }: Plane, left: number, top: number): number {
  const { levels, width, height } = plane;
  const [right, bottom] = [Math.min(left + BLOCK, width), Math.min(top + BLOCK, height)];
  let [a, b, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let index = y * width + left; index < y * width + right; index++) {
      const [level, otherLevel] = [levels[index] ?? 0, others[index] ?? 0];
      a += level;
      b += otherLevel;
      aa += level * level;
      bb += otherLevel * otherLevel;
      ab += level * otherLevel;
    }
  }
  const size = (right - left) * (bottom - top);
  const covariance = ab / size - (a * b) / size ** 2;
  const variances = aa / size - (a / size) ** 2 + bb / size - (b / size) ** 2;
  return (2 * covariance + FLAT) / (variances + FLAT);
}
