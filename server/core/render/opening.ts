import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Box, Turn } from '../geometry/turns.ts';
import { inverse, turnBox, turnSize, turnSteps, UPRIGHT } from '../geometry/turns.ts';
import { withProfile } from '../original/source-color.ts';
import { naturalBox } from '../plan/drawing.ts';
import { storedRegion } from '../plan/geometry-steps.ts';
import type { Plan } from '../plan/plan.ts';
import { makePlan } from '../plan/plan.ts';
import { FAIL_ON } from '../sharp/fail-on.ts';
import { opensAsIs } from './materialize.ts';
import type { PassOptions, Raw } from './pipeline.ts';
import { fromRaw, rawHandover, runSteps, toRaw } from './pipeline.ts';
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
  const image = source.vector ? fromRaw(await draw(request)) : sharp(byName ?? (await colored(request)), as);
  const region = storedRegion(plan);
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

function draw({ opened, plan, pass, rasterize }: RenderRequest): Promise<Raw> {
  return rasterize
    ? rasterize(opened.bytes, plan.upright, pass.signal)
    : rasterizeSvg(opened.bytes, plan.upright, pass);
}

const firstFrame = (request: RenderRequest): RenderRequest => ({
  ...request,
  plan: { ...request.plan, moves: false, wide: false },
});

/** Settles what only pixels can tell: the border to trim, and one crop for all frames of a moving picture. */
export async function resolvePlan(request: RenderRequest): Promise<Plan> {
  const { opened, plan, options } = request;
  const trimmed = await findTrim(request);
  const exact = trimmed ? makePlan(opened.source, plan.values, { ...options, trimmed }) : plan;
  return exact.moves && exact.geometry.strategy ? findCrop({ ...request, plan: exact }) : exact;
}

/** The box that is left of the upright picture without its uniform border; undefined when there is nothing to cut. */
async function findTrim(request: RenderRequest): Promise<Box | undefined> {
  const { plan, pass } = request;
  const threshold = plan.values.trim;
  if (threshold === undefined) return undefined;
  // Two pipelines: sharp trims before it extracts. Full size, since a border measured on a small copy is pixels off.
  const raw = await toRaw(await open(firstFrame(request)), pass);
  // libvips looks for the border from 3 px on.
  if (Math.min(raw.width, raw.height) < 3) return undefined;
  // Upright: the border has the colour of the top left pixel.
  const upright = await turned(raw, plan.orientation, pass);
  const { info } = await fromRaw(upright).trim({ threshold }).raw().toBuffer({ resolveWithObject: true });
  if (info.width === upright.width && info.height === upright.height) return undefined;
  const region = plan.geometry.region ?? { left: 0, top: 0 };
  const left = region.left - (info.trimOffsetLeft ?? 0);
  const top = region.top - (info.trimOffsetTop ?? 0);
  const box = { left, top, width: info.width, height: info.height };
  return plan.source.vector ? naturalBox(box, plan.upright, plan.source.stored) : box;
}

async function turned(raw: Raw, turn: Turn, pass: PassOptions): Promise<Raw> {
  if (turn === UPRIGHT) return raw;
  const start = { image: fromRaw(raw), size: raw, slot: 0 };
  return toRaw((await runSteps(start, turnSteps(turn), rawHandover(pass), pass)).image, pass);
}

/** Looks for the crop in the first frame: a crop of its own in each would make the picture jump. */
async function findCrop(request: RenderRequest): Promise<Plan> {
  const { plan, pass } = request;
  const { crop, strategy, scaled } = plan.geometry;
  if (!crop || !strategy) return plan;
  const back = inverse(plan.orientation);
  const window = turnSize(crop, back);
  const image = (await open(firstFrame(request))).resize(window.width, window.height, {
    fit: 'cover',
    position: strategy,
  });
  const found = await image
    .timeout({ seconds: pass.timeoutSeconds })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const frame = turnSize(scaled, back);
  const left = Math.min(-(found.info.cropOffsetLeft ?? 0), frame.width - window.width);
  const top = Math.min(-(found.info.cropOffsetTop ?? 0), frame.height - window.height);
  const box = turnBox({ left, top, ...window }, frame, plan.orientation);
  return { ...plan, geometry: { ...plan.geometry, crop: box, strategy: undefined } };
}
