import type { Geometry } from '../geometry/geometry.ts';
import type { Size } from '../operations/operation.ts';
import type { Source } from '../original/source.ts';

/** How much smaller a JPEG is decoded: 8 to 1. */
export type Shrink = 1 | 2 | 4 | 8;

/**
 * What sharp 0.35 lets libjpeg do before it resizes: the largest of 8, 4 and 2 that leaves something to resize, and
 * not one that the factor has only just reached, since libjpeg rounds sizes (pipeline.cc; the tests of fan-out
 * compare pixels). A region that is cut first prevents it, and so does gamma.
 *
 * @param upright  px of what is read
 */
export function shrinkOnLoad(
  { format }: Source,
  upright: Size,
  { scaled, region, gamma }: Pick<Geometry, 'scaled' | 'region'> & { readonly gamma: boolean },
): Shrink {
  if (format !== 'jpeg' || region || gamma) return 1;
  const factor = Math.min(upright.width / scaled.width, upright.height / scaled.height);
  return factor >= 9 ? 8 : factor >= 5 ? 4 : factor >= 3 ? 2 : 1;
}
