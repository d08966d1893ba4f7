import type { SourceLimits } from '../original/source.ts';
import { previewPlan } from '../plan/preview-plan.ts';
import type { PassOptions, Raw } from './pipeline.ts';
import { placeholder } from './placeholder.ts';
import { pixelsOf } from './render.ts';
import type { Opened } from './types.ts';

/** What stands for a picture until it is there. */
export interface Preview {
  /** Base64 ThumbHash. */
  readonly placeholder: string;
  /** `#rrggbb` of the most frequent colour. */
  readonly color: string;
}

/**
 * Decodes an original once.
 *
 * @throws Problem as render, for whatever would fail when it is asked for
 */
export async function previewOf(
  opened: Opened,
  { limits, pass, now }: { limits: SourceLimits; pass: PassOptions; now: () => number },
): Promise<Preview> {
  const { plan, options } = previewPlan(opened.source, limits);
  const pixels = await pixelsOf({ opened, plan, options, maxPixels: limits.maxPixels, pass, now });
  const first = plan.moves ? firstFrame(pixels, plan.source.pages) : pixels;
  const [hash, color] = await Promise.all([placeholder('thumbhash', first), placeholder('color', first)]);
  return { placeholder: hash, color };
}

function firstFrame(strip: Raw, frames: number): Raw {
  const height = strip.height / frames;
  return { ...strip, height, data: strip.data.subarray(0, strip.width * height * strip.channels) };
}
