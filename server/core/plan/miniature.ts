import type { Transformation } from '../operations/index.ts';
import type { Size } from '../operations/operation.ts';

type Sides = NonNullable<Transformation['pad']>;

/** sharp blurs by no less. */
const LEAST_BLUR = 0.3;

/**
 * What is asked for in px, for a picture that is made smaller than it was asked for: a placeholder of 100 px would have
 * the padding of the whole picture.
 *
 * @param share  of the sides that were asked for
 */
export function miniature(values: Transformation, share: number): Transformation {
  const px = (length: number): number => Math.round(length * share);
  const around = ({ top, right, bottom, left }: Sides): Sides => ({
    top: px(top),
    right: px(right),
    bottom: px(bottom),
    left: px(left),
  });
  const { pad, border, r, blur, pix, wmp = 16 } = values;
  const small: Record<string, unknown> = { ...values, wmp: px(wmp) };
  if (pad) small['pad'] = around(pad);
  if (border) small['border'] = { ...border, sides: around(border.sides) };
  if (typeof r === 'number') small['r'] = r * share;
  if (blur) small['blur'] = blur * share < LEAST_BLUR ? undefined : blur * share;
  if (pix) small['pix'] = px(pix) < 2 ? undefined : px(pix);
  return small;
}

/** How much of the width, or of the height where that is more exact, is left. */
export const shareOf = (small: Size, whole: Size): number =>
  whole.width > whole.height ? small.width / whole.width : small.height / whole.height;
