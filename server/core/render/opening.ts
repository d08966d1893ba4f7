import type { Sharp } from 'sharp';
import sharp from 'sharp';
import { withProfile } from '../original/source-color.ts';
import { storedRegion, storedWhole } from '../plan/geometry-steps.ts';
import { isLoadedWhole } from '../plan/shrink.ts';
import { FAIL_ON } from '../sharp/fail-on.ts';
import { opensAsIs } from './materialize.ts';
import type { Raw } from './pipeline.ts';
import { fromRaw } from './pipeline.ts';
import { rasterizeSvg } from './svg.ts';
import type { RenderRequest } from './types.ts';

/**
 * The part of the original that a plan reads, as stored; or the base that stands for it.
 *
 * @param byName  the original as a file with the options of its loader, as libvips writes them: `a.jpg[shrink=4]`
 */
export async function open(request: RenderRequest, byName?: string): Promise<Sharp> {
  if (request.base) return fromRaw(request.base);
  const { plan, maxPixels } = request;
  const { page, moves, source } = plan;
  const pages = moves ? { animated: true } : source.pages > 1 ? { page } : {};
  const as = {
    failOn: FAIL_ON,
    limitInputPixels: maxPixels,
    ignoreIcc: opensAsIs(plan) || !source.profile,
    ...pages,
  } as const;
  const image = source.vector
    ? fromRaw(request.raster ?? (await draw(request)))
    : sharp(byName ?? (await colored(request)), as);
  const region = storedRegion(plan) ?? (isLoadedWhole(plan) ? storedWhole(plan) : undefined);
  return region ? image.extract(region) : image;
}

/** The original, carrying the profile that says what it says otherwise of its colours. */
async function colored({ opened, maxPixels }: RenderRequest): Promise<Uint8Array> {
  const { bytes, metadata, source } = opened;
  const profile = metadata.color?.replacement;
  if (!profile) return bytes;
  if (metadata.space !== 'grey16') return withProfile(source.format, bytes, profile);
  // sharp looks at no profile of 16 bits of grey.
  const grey = sharp(bytes, { failOn: FAIL_ON, limitInputPixels: maxPixels, ignoreIcc: true });
  const expanded = await grey.toColourspace('rgb16').png({ compressionLevel: 0 }).toBuffer();
  return withProfile('png', expanded, profile);
}

/** The whole drawing, at the size of the plan. */
export function draw({ opened, plan, pass, rasterize }: RenderRequest): Promise<Raw> {
  return rasterize
    ? rasterize(opened.bytes, plan.upright, pass.signal)
    : rasterizeSvg(opened.bytes, plan.upright, pass);
}
