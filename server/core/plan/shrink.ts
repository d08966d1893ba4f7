import type { Geometry } from '../geometry/geometry.ts';
import type { Transformation } from '../operations/index.ts';
import type { Size } from '../operations/operation.ts';
import type { Source } from '../original/source.ts';

/** How much smaller a JPEG is decoded: 8 to 1. */
export type Shrink = 1 | 2 | 4 | 8;

/**
 * The loader leaves out what does not fill a block (libvips rounds sizes down): a row of 9 is an eighth of the picture. So
 * much of a side may be missing, which is a quarter of a pixel of what it is scaled to.
 */
const MISSING = 1 / 64;

/** What of a plan decides. */
interface Wanted {
  readonly source: Source;
  /** px of what is read. */
  readonly upright: Size;
  readonly geometry: Pick<Geometry, 'scaled' | 'region'>;
  readonly values: Pick<Transformation, 'gam'>;
}

/**
 * What sharp 0.35 lets libjpeg do before it resizes: the largest of 8, 4 and 2 that leaves something to resize, and
 * not one that the factor has only just reached, since libjpeg rounds sizes (pipeline.cc; the tests of fan-out
 * compare pixels). A region that is cut first prevents it, and so does gamma.
 */
function bySharp({ source, upright, geometry, values }: Wanted): Shrink {
  const { scaled, region } = geometry;
  if (source.format !== 'jpeg' || region || values.gam !== undefined) return 1;
  const factor = Math.min(upright.width / scaled.width, upright.height / scaled.height);
  return factor >= 9 ? 8 : factor >= 5 ? 4 : factor >= 3 ? 2 : 1;
}

const loses = ({ width, height }: Size, shrink: Shrink): boolean =>
  [width, height].some((side) => side % shrink > side * MISSING);

/** By how much a JPEG is decoded smaller than it is. */
export function shrinkOnLoad(wanted: Wanted): Shrink {
  const shrink = bySharp(wanted);
  return loses(wanted.upright, shrink) ? 1 : shrink;
}

/** Whether sharp would shrink it all the same, unless it is given all of it as a region. */
export const isLoadedWhole = (wanted: Wanted): boolean => loses(wanted.upright, bySharp(wanted));
