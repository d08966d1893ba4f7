import type { Transformation } from '../operations/index.ts';
import type { Source } from '../original/source.ts';

interface Colours {
  readonly wide: boolean;
  readonly source: Source;
  readonly values: Transformation;
}

/** The profile of the original stays, unless it is of a space that the result is not in: CMYK, grey. */
export const keepsProfile = ({ values, source }: Omit<Colours, 'wide'>): boolean =>
  values.icc === 'keep' && source.profile && !source.cmyk && !source.grey;

/** Whether it was to stay and does not. What stands in for a profile that the file has not is none of its own. */
export const losesProfile = ({ values, source }: Omit<Colours, 'wide'>): boolean =>
  values.icc === 'keep' && source.profile && !source.recolored && !keepsProfile({ values, source });

/** Whether the pixels are in a space of their own until the first handover. */
export const isForeign = ({ wide, source, values }: Colours): boolean =>
  wide || (source.deep && source.profile && (values.icc ?? 'srgb') === 'srgb');

/**
 * Whether steps must wait for a handover: sharp pads a picture of one band with the luminance of the colour, and what
 * steps add or set in levels is of 8 bits.
 */
export const waitsForColour = (plan: Colours): boolean =>
  isForeign(plan) || plan.source.grey || plan.source.deep;
