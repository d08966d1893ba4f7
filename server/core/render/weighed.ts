/** Shares of red, green and blue in a plane. */
export type Weights = readonly [red: number, green: number, blue: number];

/** Full-range BT.601, as JFIF has it; VP8's shades are a stretch of the same. */
export const LUMA: Weights = [0.299, 0.587, 0.114];
export const BLUE: Weights = [-0.168736, -0.331264, 0.5];
export const RED: Weights = [0.5, -0.418688, -0.081312];

/** A plane of a decoded picture. */
export interface Plane {
  readonly weights: Weights;
  /** px of the picture along a side of one of its own: 2 for the colour of 4:2:0. */
  readonly scale: 1 | 2;
}

/** @param pixel  where its red lies */
export const weighed = ({ weights: [red, green, blue] }: Plane, data: Uint8Array, pixel: number): number =>
  red * (data[pixel] ?? 0) + green * (data[pixel + 1] ?? 0) + blue * (data[pixel + 2] ?? 0);
