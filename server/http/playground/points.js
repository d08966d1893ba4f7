/** Points and rectangles in fractions of a picture, as `fp` and `rect` spell them. */

const share = (value) => String(Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000);

/** @param text  of `fp`, `0.3,0.7`; undefined where it is none */
export function readPoint(text) {
  const [x, y] = (text ?? '').split(',').map(Number);
  return Number.isFinite(x) && Number.isFinite(y) && text ? { x, y } : undefined;
}

export const pointText = ({ x, y }) => `${share(x)},${share(y)}`;

/** @param size  px of the upright original, for a rectangle that is written in px */
export function readRectangle(text, size) {
  const isShare = text?.startsWith('r,');
  const [left, top, width, height] = (text ?? '').replace(/^r,/, '').split(',').map(Number);
  if (![left, top, width, height].every(Number.isFinite)) return undefined;
  if (isShare) return { left, top, width, height };
  if (!size) return undefined;
  return {
    left: left / size.width,
    top: top / size.height,
    width: width / size.width,
    height: height / size.height,
  };
}

const SMALLEST = 0.01;

/** Inside the picture, and large enough to be taken hold of. */
export function fitRectangle({ left, top, width, height }) {
  const wide = Math.min(1, Math.max(SMALLEST, width));
  const high = Math.min(1, Math.max(SMALLEST, height));
  return {
    left: Math.min(1 - wide, Math.max(0, left)),
    top: Math.min(1 - high, Math.max(0, top)),
    width: wide,
    height: high,
  };
}

/** Undefined for the whole picture, which needs no parameter. */
export function rectangleText(rectangle) {
  const { left, top, width, height } = rectangle;
  if (width >= 0.999 && height >= 0.999) return undefined;
  return `r,${share(left)},${share(top)},${share(width)},${share(height)}`;
}

/** Between two corners, in whichever order they were touched. */
export function rectangleBetween(from, to) {
  return fitRectangle({
    left: Math.min(from.x, to.x),
    top: Math.min(from.y, to.y),
    width: Math.abs(from.x - to.x),
    height: Math.abs(from.y - to.y),
  });
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Which way an arrow key goes; undefined for any other key. */
export function stepOf({ key }) {
  const step = STEPS[key];
  return step && { x: step[0], y: step[1] };
}
