import type { Sharp } from 'sharp';
import sharp from 'sharp';
import { encodeResult, profiled } from './encode.ts';
import { areFramewise, fromStrip, runOnFrames } from './frames.ts';
import { geometrySteps, storedRegion } from './framing.ts';
import type { Box } from './geometry.ts';
import { turnBox, turnSize } from './geometry.ts';
import type { Size } from './operation.ts';
import type { Draft, Handover, PassOptions, Raw } from './pipeline.ts';
import { fromRaw, runSteps, toRaw } from './pipeline.ts';
import type { Plan, PlanOptions } from './plan.ts';
import { makePlan } from './plan.ts';
import { sharpProblem } from './sharp-errors.ts';
import type { Header, Source } from './source.ts';
import { formatOf, readSource } from './source.ts';
import type { Measure, Rasterize } from './vector.ts';
import { measureSvg, naturalBox, rasterizeSvg } from './vector.ts';

/** An original whose header has been read. */
export interface Opened {
  readonly bytes: Uint8Array;
  readonly source: Source;
  readonly metadata: Header;
}

export interface RenderRequest {
  readonly opened: Opened;
  readonly plan: Plan;
  /** Made the plan; a trim makes it anew. */
  readonly options: PlanOptions;
  readonly maxPixels: number;
  readonly pass: PassOptions;
  /** Draws SVGs, in a process that may die; in this one when absent. */
  readonly rasterize?: Rasterize | undefined;
  /** The region of the plan at its scale or larger, as stored, in sRGB: stands for decoding the original. */
  readonly base?: Raw | undefined;
  /** Monotonic ms, for the timings. */
  readonly now: () => number;
}

export interface Rendered {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** px of a frame; undefined for placeholders. */
  readonly size: Size | undefined;
  readonly warnings: readonly string[];
  /** ms; a single pass decodes, transforms and encodes at once and counts as encode. */
  readonly timings: { readonly decode: number; readonly transform: number; readonly encode: number };
}

/** A truncated or corrupt file is refused, not shown in half: every warning of a decoder is an error. */
const FAIL_ON = 'warning';

/**
 * Reads the header of an original.
 *
 * @param svg  reads the header of an SVG, which can hang a parser; in this process when absent
 * @throws Problem `unsupported_source`, `damaged_source`, `too_many_pixels`
 */
export async function openOriginal(
  bytes: Uint8Array,
  { measure = measureSvg, signal }: { measure?: Measure | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Opened> {
  const format = formatOf(bytes);
  try {
    const metadata: Header =
      format === 'svg'
        ? await measure(bytes, signal)
        : await sharp(bytes, { failOn: FAIL_ON, limitInputPixels: false }).metadata();
    return { bytes, metadata, source: readSource(format, bytes.byteLength, metadata) };
  } catch (error) {
    throw sharpProblem(error);
  }
}

/**
 * Renders a plan.
 *
 * @throws Problem `damaged_source`, `unsupported_source`, `too_many_pixels`, `no_overlap`, `deadline`;
 *         the signal's reason when it fires between two passes
 */
export async function render(request: RenderRequest): Promise<Rendered> {
  try {
    return await run(request);
  } catch (error) {
    throw sharpProblem(error);
  }
}

async function run(request: RenderRequest): Promise<Rendered> {
  const { now, opened, options } = request;
  const started = now();
  const trimmed = await findTrim(request);
  const plan = trimmed ? makePlan(opened.source, request.plan.values, { ...options, trimmed }) : request.plan;
  const decoded = now();
  const final = await drawn({ ...request, plan });
  const transformed = now();
  const result = await encodeResult(final.image, plan, opened.metadata, request.pass);
  const timings = {
    decode: decoded - started,
    transform: transformed - decoded,
    encode: now() - transformed,
  };
  const warnings = [...plan.warnings, ...(final.warnings ?? []), ...result.warnings];
  return { ...result, warnings, timings };
}

/**
 * Pixels of a plan, all steps done and nothing encoded: what several formats of one picture share.
 *
 * @param request  of a plan without trim and motion, in sRGB
 * @throws Problem as render
 */
export async function pixelsOf(request: RenderRequest): Promise<Raw> {
  try {
    return await toRaw((await drawn(request)).image, request.pass);
  } catch (error) {
    throw sharpProblem(error);
  }
}

/**
 * The region of a plan, as stored, on `size` px in sRGB: a base for every plan of that region that needs no more.
 *
 * @throws Problem as render
 */
export async function decodeBase(request: RenderRequest, { width, height }: Size): Promise<Raw> {
  try {
    return await toRaw((await open(request)).resize(width, height, { fit: 'fill' }), request.pass);
  } catch (error) {
    throw sharpProblem(error);
  }
}

async function open(request: RenderRequest): Promise<Sharp> {
  if (request.base) return fromRaw(request.base);
  const { opened, plan, maxPixels } = request;
  const { page, moves, source } = plan;
  const pages = moves ? { animated: true } : source.pages > 1 ? { page } : {};
  const image = source.vector
    ? fromRaw(await draw(request))
    : sharp(opened.bytes, { failOn: FAIL_ON, limitInputPixels: maxPixels, ...pages });
  const region = storedRegion(plan);
  return region ? image.extract(region) : image;
}

function draw({ opened, plan, pass, rasterize }: RenderRequest): Promise<Raw> {
  return rasterize
    ? rasterize(opened.bytes, plan.upright, pass.signal)
    : rasterizeSvg(opened.bytes, plan.upright, pass);
}

/** The box that is left of the upright picture without its uniform border; undefined when there is nothing to cut. */
async function findTrim(request: RenderRequest): Promise<Box | undefined> {
  const { plan, pass } = request;
  const threshold = plan.values.trim;
  if (threshold === undefined) return undefined;
  const region = storedRegion(plan);
  const whole = { left: 0, top: 0, ...plan.source.stored };
  const still = { ...request, plan: { ...plan, moves: false } };
  // Two pipelines: sharp trims before it extracts. Full size, since a border measured on a small copy is pixels off.
  const raw = await toRaw(await open(still), pass);
  const { info } = await fromRaw(raw).trim({ threshold }).raw().toBuffer({ resolveWithObject: true });
  if (info.width === raw.width && info.height === raw.height) return undefined;
  const left = (region ?? whole).left - (info.trimOffsetLeft ?? 0);
  const top = (region ?? whole).top - (info.trimOffsetTop ?? 0);
  const box = { left, top, width: info.width, height: info.height };
  if (plan.source.vector) return naturalBox(box, plan.upright, plan.source.stored);
  return turnBox(box, plan.source.stored, plan.orientation);
}

interface Drawn {
  readonly image: Sharp;
  readonly warnings?: readonly string[];
}

/** All steps done, nothing encoded yet. */
async function drawn(request: RenderRequest): Promise<Drawn> {
  const { plan, pass } = request;
  const [early, late] = split(plan);
  const steps = [...early, ...geometrySteps(plan), ...late];
  const size = request.base ?? storedRegion(plan) ?? turnSize(plan.upright, plan.orientation);
  const start: Draft = { image: await open(request), size, slot: 0 };
  if (!plan.moves || areFramewise(steps)) {
    return { image: (await runSteps(start, steps, handover(request), pass)).image };
  }
  // Scale all frames in one go, then work on each: frames are small by then.
  const scale = geometrySteps(plan).filter(
    ({ slot, name }) => slot === 'resize' && name.startsWith('resize'),
  );
  const rest = steps.filter((step) => !scale.some(({ name }) => name === step.name));
  const scaled = await runSteps(start, scale, handover(request), pass);
  const frames = plan.source.pages;
  const strip = await runOnFrames(await toRaw(scaled.image, pass), frames, rest, pass);
  const lost = (plan.values.icc ?? 'srgb') === 'srgb' ? [] : ['icc-srgb'];
  return { image: fromStrip(strip, frames), warnings: lost };
}

/** Steps that may come before the geometry: a flatten that nothing looks behind. */
function split({ steps }: Plan): [Plan['steps'], Plan['steps']] {
  const early = steps[0]?.slot === 'flatten' ? 1 : 0;
  return [steps.slice(0, early), steps.slice(early)];
}

/** Raw pixels for sRGB; with a wider profile, an uncompressed PNG that carries it. */
function handover({ plan, pass }: RenderRequest): Handover {
  const icc = plan.values.icc ?? 'srgb';
  return async (image) => {
    if (icc === 'srgb') {
      const raw = await toRaw(image, pass);
      return { image: fromRaw(raw), size: raw };
    }
    const carrier = profiled(image, plan)
      .timeout({ seconds: pass.timeoutSeconds })
      .png({ compressionLevel: 0 });
    const { data, info } = await carrier.toBuffer({ resolveWithObject: true });
    return { image: sharp(data, { limitInputPixels: false }), size: info };
  };
}
