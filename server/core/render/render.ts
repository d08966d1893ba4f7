import sharp from 'sharp';
import { turnSize } from '../geometry/turns.ts';
import type { Handover, Size, Step } from '../operations/operation.ts';
import { inflated } from '../original/inflate.ts';
import { readJpegHeader, withoutExif } from '../original/jpeg.ts';
import { copyrightOf } from '../original/metadata.ts';
import type { Header, Source } from '../original/source.ts';
import { formatOf, readSource } from '../original/source.ts';
import { readSourceColor } from '../original/source-color.ts';
import { geometrySteps, storedRegion } from '../plan/geometry-steps.ts';
import type { Plan } from '../plan/plan.ts';
import type { Shrink } from '../plan/shrink.ts';
import { FAIL_ON } from '../sharp/fail-on.ts';
import { sharpProblem } from '../sharp/sharp-errors.ts';
import type { FinishedPicture } from './encode.ts';
import { carriesSourceMetadata, encodeResult, stripped } from './encode.ts';
import { areFramewise, fromStrip, runOnFrames } from './frames.ts';
import { asSrgb8, isMistakenForP3, materialize, waitsForColour } from './materialize.ts';
import { open, resolvePlan } from './opening.ts';
import type { Draft, Raw } from './pipeline.ts';
import { passesOf, runSteps, toRaw } from './pipeline.ts';
import type { Measure } from './svg.ts';
import { measureSvg } from './svg.ts';
import type { Opened, Rendered, RenderRequest } from './types.ts';

/**
 * Reads the header of an original.
 *
 * @param svg  reads the header of an SVG, which can hang a parser; in this process when absent
 * @throws Problem `unsupported_source`, `damaged_source`, `unrenderable`, `too_many_pixels`
 */
export async function openOriginal(
  stored: Uint8Array,
  { measure = measureSvg, signal }: { measure?: Measure | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Opened> {
  const format = formatOf(stored);
  const bytes = inflated(stored);
  try {
    const header: Header = format === 'svg' ? await measure(bytes, signal) : await readHeader(format, bytes);
    const color = readSourceColor(format, bytes, header);
    const metadata = { ...header, color };
    const source = readSource(format, stored.byteLength, metadata);
    return { bytes, metadata, source, copyright: copyrightOf(metadata) };
  } catch (error) {
    throw sharpProblem(error, format);
  }
}

async function readHeader(format: Source['format'], bytes: Uint8Array): Promise<Header> {
  const header = format === 'jpeg' ? readJpegHeader(bytes) : undefined;
  return header ?? sharp(bytes, { failOn: FAIL_ON, limitInputPixels: false }).metadata();
}

/**
 * Renders a plan.
 *
 * @throws Problem `damaged_source`, `unsupported_source`, `unrenderable`, `too_many_pixels`, `no_overlap`, `deadline`;
 *         the signal's reason when it fires between two passes
 */
export async function render(request: RenderRequest): Promise<Rendered> {
  try {
    return await run(request);
  } catch (error) {
    throw sharpProblem(error, request.opened.source.format);
  }
}

async function run(request: RenderRequest): Promise<Rendered> {
  const { now, opened } = request;
  const started = now();
  const plan = await resolvePlan(request);
  const decoded = now();
  const final = await drawn({ ...request, plan });
  const transformed = now();
  const result = await encodeResult(final, opened, request.pass);
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
    throw sharpProblem(error, request.opened.source.format);
  }
}

/** What several plans of one region start from, as stored, in sRGB; width and height in px. */
export interface Base extends Size {
  /** By the loader, to a pixel what a render of its own gets; undefined: resized to this size. */
  readonly shrink: Shrink | undefined;
}

/**
 * Decodes the region of a plan once.
 *
 * @param path  of the original
 * @throws Problem as render
 */
export async function decodeBase(
  request: RenderRequest,
  { width, height, shrink }: Base,
  path: () => Promise<string>,
): Promise<Raw> {
  try {
    const byName = shrink !== undefined && shrink > 1 ? `${await path()}[shrink=${shrink}]` : undefined;
    const image = await open(request, byName);
    return await toRaw(shrink ? image : image.resize(width, height, { fit: 'fill' }), request.pass);
  } catch (error) {
    throw sharpProblem(error, request.opened.source.format);
  }
}

interface Drawn extends FinishedPicture {
  readonly warnings?: readonly string[];
}

/** All steps done, nothing encoded yet. */
async function drawn(request: RenderRequest): Promise<Drawn> {
  const { plan, pass } = request;
  const geometry = geometrySteps(plan);
  const [early, late] = split(plan);
  const steps = [...early, ...geometry, ...late];
  const size = request.base ?? storedRegion(plan) ?? turnSize(plan.upright, plan.orientation);
  const waits = request.base === undefined && waitsForColour(plan) && plan.steps.length > 0;
  const isHeld = waits || passesOf(steps).length > 1 || request.base !== undefined || plan.source.vector;
  const silent = isHeld ? undefined : withoutSourceExif(request.opened, plan);
  const original = await open(silent ? { ...request, opened: silent } : request);
  const start: Draft = { image: original, size, slot: 0 };
  if (plan.moves && !areFramewise(steps)) return drawnByFrames(request, start, geometry, [...early, ...late]);
  if (!waits) {
    const { image } = await runSteps(start, steps, handover(request), pass);
    const finished = { image, plan, isStripped: isHeld || silent !== undefined };
    return isMistakenForP3(plan) ? stripped(finished, pass) : finished;
  }
  // Steps know colours: they wait until the pixels are in the space of the result.
  const placed = await runSteps(start, geometry, handover(request), pass);
  const held = await materialize(placed.image, plan, pass);
  const next: Draft = { image: held.reopen(), size: held.size, slot: 0 };
  const rest = await runSteps(next, plan.steps, handover({ ...request, plan: asSrgb8(plan) }), pass);
  return { image: rest.image, plan: asSrgb8(plan), isStripped: true };
}

/** Above this a pass over the pixels of the result costs less than a copy of the original, which has no price. */
const COPY_BYTES = 8 * 2 ** 20;

/** The original without what would cling to the result; undefined where nothing would, or only pixels are without it. */
function withoutSourceExif(opened: Opened, plan: Plan): Opened | undefined {
  const { bytes, metadata } = opened;
  if (!carriesSourceMetadata(plan, opened) || bytes.byteLength > COPY_BYTES) return undefined;
  const rest = metadata.exif && withoutExif(bytes, metadata.exif);
  return rest && { ...opened, bytes: rest };
}

/** Scales all frames in one go, then works on each: frames are small by then. */
async function drawnByFrames(
  request: RenderRequest,
  start: Draft,
  geometry: readonly Step[],
  others: readonly Step[],
): Promise<Drawn> {
  const { plan, pass } = request;
  const scale = geometry.filter(({ slot, name }) => slot === 'resize' && name.startsWith('resize'));
  const rest = [...geometry.filter((step) => !scale.includes(step)), ...others];
  const scaled = await runSteps(start, scale, handover(request), pass);
  const frames = plan.source.pages;
  const strip = await runOnFrames(await toRaw(scaled.image, pass), frames, rest, pass);
  const { icc, meta } = plan.values;
  const warnings = [...(icc === 'keep' ? ['icc-srgb'] : []), ...(meta === 'keep' ? ['metadata-lost'] : [])];
  return { image: fromStrip(strip, frames), plan, isStripped: true, warnings };
}

/** Steps that may come before the geometry: a flatten that nothing looks behind. */
function split({ steps }: Plan): [Plan['steps'], Plan['steps']] {
  const early = steps[0]?.slot === 'flatten' ? 1 : 0;
  return [steps.slice(0, early), steps.slice(early)];
}

function handover({ plan, pass }: RenderRequest): Handover {
  return async (image) => {
    const { reopen, size } = await materialize(image, plan, pass);
    return { image: reopen(), size };
  };
}
