import { Problem } from '../../shared/errors.ts';
import type { Size } from '../operations/operation.ts';
import type { Rect } from '../operations/rect.ts';
import type { Box } from './turns.ts';

/**
 * The region of `rect`, clamped to the image.
 *
 * @throws Problem `no_overlap`
 */
export function regionOf(rect: Rect, image: Size): { box: Box; clamped: boolean } {
  const [across, down] = rect.relative ? [image.width, image.height] : [1, 1];
  // A share below 1 lies inside however small the image is.
  const start = (offset: number, whole: number) =>
    rect.relative && offset < 1
      ? Math.min(Math.round(offset * whole), whole - 1)
      : Math.round(offset * (rect.relative ? whole : 1));
  const left = start(rect.left, image.width);
  const top = start(rect.top, image.height);
  const right = Math.max(left + 1, Math.round((rect.left + rect.width) * across));
  const bottom = Math.max(top + 1, Math.round((rect.top + rect.height) * down));
  if (left >= image.width || top >= image.height) {
    const allowed = `a region that meets the image of ${image.width} x ${image.height} px`;
    const numbers = [rect.left, rect.top, rect.width, rect.height].join(',');
    const received = rect.relative ? `r,${numbers}` : numbers;
    throw new Problem('no_overlap', `rect=${received} lies outside the image; allowed: ${allowed}.`, {
      param: 'rect',
      received,
      allowed,
    });
  }
  const box = {
    left,
    top,
    width: Math.min(right, image.width) - left,
    height: Math.min(bottom, image.height) - top,
  };
  return { box, clamped: right > image.width || bottom > image.height };
}
