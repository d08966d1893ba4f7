import sharp from 'sharp';
import { inverse, turnSize } from '../geometry/turns.ts';
import type { Handover, Size, Step } from '../operations/operation.ts';
import { clearingToTransparent } from '../original/gif.ts';
import { inflated } from '../original/inflate.ts';
import { readJpegHeader, withoutExif, withUprightExif } from '../original/jpeg.ts';
import { webpKind } from '../original/lossy-quality.ts';
import { copyrightOf } from '../original/metadata.ts';
import { asStill, showsFirstOnly } from '../original/sequence.ts';
import type { Header, MasterOf, Source } from '../original/source.ts';
import { formatOf, pageWithHeader, readSource } from '../original/source.ts';
import { readSourceColor } from '../original/source-color.ts';
import { checkTiff } from '../original/tiff.ts';
import { checkWhole } from '../original/whole.ts';
import { keepsProfile } from '../plan/colour-space.ts';
import { storedRegion } from '../plan/geometry-steps.ts';
import type { Base } from '../plan/groups.ts';
import { firstPass, nextPass, passesOf } from '../plan/passes.ts';
import type { Plan } from '../plan/plan.ts';
import { FAIL_ON } from '../sharp/fail-on.ts';
import { sharpProblem } from '../sharp/sharp-errors.ts';
import { drawingWarnings } from './drawing-warnings.ts';
import type { FinishedPicture } from './encode.ts';
import { carriesSourceMetadata, encodeResult, stripped } from './encode.ts';
import { areFramewise, fromStrip, runOnFrames } from './frames.ts';
import { asSrgb8, isMistakenForP3, materialize, stripSize } from './materialize.ts';
import { draw, open } from './opening.ts';
import type { Draft, PassOptions, Raw } from './pipeline.ts';
import { runSteps, toRaw } from './pipeline.ts';
import { resolvePlan } from './resolve.ts';
import type { Measure } from './svg.ts';
import { measureSvg } from './svg.ts';
import type { Opened, Rendered, RenderRequest } from './types.ts';

interface OpenOptions {
  /** Reads the header of an SVG, which can hang a parser; in this process when absent. */
  readonly measure?: Measure | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whose master the bytes are. */
  readonly master?: MasterOf | undefined;
  /** The page that is asked for, counting from 0. */
  readonly page?: number | undefined;
}

/**
 * Reads the header of an original: that of the page that is asked for, where it has one of its own. How many pages there
 * are is said by the first one, which has to be readable as well.
 *
 * @throws Problem `unsupported_source`, `damaged_source`, `unrenderable`, `too_many_pixels`
 */
export async function openOriginal(
  stored: Uint8Array,
  { page: asked = 0, ...options }: OpenOptions = {},
): Promise<Opened> {
  const format = formatOf(stored);
  const bytes = readable(format, inflated(stored));
  const file = { ...options, bytes, format, storedBytes: stored.byteLength };
  try {
    const first = await openPage(file, 0);
    const page = pageWithHeader(first.source, asked);
    if (page === 0) return first;
    const own = await openPage(file, page);
    // Said once for a whole file, in its first directory.
    return { ...own, copyright: own.copyright ?? first.copyright };
  } catch (error) {
    throw sharpProblem(error, format);
  }
}

interface OriginalFile extends Pick<OpenOptions, 'measure' | 'signal' | 'master'> {
  readonly bytes: Uint8Array;
  readonly format: Source['format'];
  /** Before it was inflated. */
  readonly storedBytes: number;
}

async function openPage(file: OriginalFile, page: number): Promise<Opened> {
  const { bytes, format, storedBytes, master, measure = measureSvg, signal } = file;
  const header: Header =
    format === 'svg' ? await measure(bytes, signal) : await readHeader(format, bytes, page);
  checkWhole(format, bytes, page);
  if (format === 'tiff') checkTiff(bytes, header, page);
  const color = readSourceColor(format, bytes, header);
  const firstOnly = master?.firstOnly ?? showsFirstOnly(format, bytes);
  const metadata = { ...header, ...(format === 'webp' ? webpKind(bytes) : {}), color, firstOnly };
  const source = readSource(master?.format ?? format, storedBytes, metadata);
  const tags = format === 'tiff' ? bytes : metadata.exif;
  return { bytes, metadata, source, copyright: copyrightOf(metadata, tags, page) };
}

/** What libvips shows as browsers do. */
function readable(format: Source['format'], bytes: Uint8Array): Uint8Array {
  if (format === 'gif') return clearingToTransparent(bytes);
  return format === 'avif' ? asStill(bytes) : bytes;
}

async function readHeader(format: Source['format'], bytes: Uint8Array, page: number): Promise<Header> {
  const header = format === 'jpeg' ? readJpegHeader(bytes) : undefined;
  const as = { failOn: FAIL_ON, limitInputPixels: false, ...(page > 0 && { page }) } as const;
  return header ?? sharp(bytes, as).metadata();
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

async function run(renderRequest: RenderRequest): Promise<Rendered> {
  const opened = sayingUpright(renderRequest.opened, renderRequest.plan) ?? renderRequest.opened;
  const request = { ...renderRequest, opened };
  const { now } = request;
  const started = now();
  const plan = await resolvePlan(request);
  const decoded = now();
  const raster = plan.source.vector ? await draw({ ...request, plan }) : undefined;
  if (raster) request.onDrawn?.();
  const final = await drawn({ ...request, plan, raster });
  const transformed = now();
  const result = await encodeResult(final, opened, request.pass, request.options.probe);
  const timings = {
    decode: decoded - started,
    transform: transformed - decoded,
    encode: now() - transformed,
  };
  const told = raster ? await drawingWarnings(opened.bytes, raster, request.readGlyphs) : [];
  const isConverted =
    keepsProfile(plan) && plan.values.meta === 'keep' && (opened.metadata.orientation ?? 1) !== 1;
  const warnings = [
    ...plan.warnings,
    ...told,
    ...(final.warnings ?? []),
    ...(isConverted ? ['icc-srgb'] : []),
    ...result.warnings,
  ];
  return { ...result, warnings, timings };
}

/**
 * Pixels of a plan, all steps done and nothing encoded: what several formats of one picture share.
 *
 * @param request  of a plan without trim, in sRGB; frames come as one strip
 * @throws Problem as render
 */
export async function pixelsOf(request: RenderRequest): Promise<Raw> {
  try {
    const { plan, pass } = request;
    return await toRaw((await drawn(request)).image, stripSize(plan.result, plan), pass);
  } catch (error) {
    throw sharpProblem(error, request.opened.source.format);
  }
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
    const base = shrink ? image : image.resize(width, height, { fit: 'fill' });
    return await toRaw(base, { width, height }, request.pass);
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
  const { steps } = plan;
  const isHeld =
    passesOf(steps, plan.source.alpha).length > 1 || request.base !== undefined || plan.source.vector;
  const silent = isHeld ? undefined : withoutSourceExif(request.opened, plan);
  const original = await open(silent ? { ...request, opened: silent } : request);
  const size = request.base ?? storedRegion(plan) ?? turnSize(plan.upright, inverse(plan.orientation));
  const start: Draft = { image: original, size, pass: firstPass(plan.source.alpha) };
  if (plan.moves && (!areFramewise(steps) || enlarges(steps, size))) return drawnByFrames(request, start);
  const turns = steps.findIndex(({ kind }) => kind === 'colour');
  if (turns < 0) {
    const { image } = await runSteps(start, steps, handover(plan, pass), pass);
    const finished = { image, plan, isStripped: isHeld || silent !== undefined };
    return isMistakenForP3(plan) ? stripped(finished, pass) : finished;
  }
  const placed = await runSteps(start, steps.slice(0, turns), handover(plan, pass), pass);
  const reopen = await materialize(placed, plan, pass);
  const next: Draft = { image: reopen(), size: placed.size, pass: nextPass(placed.pass) };
  const colored = asSrgb8(plan);
  const { image } = await runSteps(next, steps.slice(turns + 1), handover(colored, pass), pass);
  return { image, plan: colored, isStripped: true };
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

/** The original, turned by its plan alone, where its EXIF is kept: sharp can change that only together with the profile. */
function sayingUpright(opened: Opened, { values }: Plan): Opened | undefined {
  const { bytes, metadata } = opened;
  if (values.meta !== 'keep' || (metadata.orientation ?? 1) === 1 || bytes.byteLength > COPY_BYTES)
    return undefined;
  const upright = metadata.exif && withUprightExif(bytes, metadata.exif);
  return upright && { ...opened, bytes: upright, metadata: { ...metadata, orientation: 1 } };
}

/** Where frames grow, sharp mixes half of a frame's last row into the first one of the next (0.35.5). */
function enlarges(steps: readonly Step[], { width, height }: Size): boolean {
  const scaled = steps.find(({ kind }) => kind === 'scale')?.resized?.({ width, height });
  return scaled !== undefined && (scaled.width > width || scaled.height > height);
}

/** Scales all frames down in one go, then works on each: frames are small by then. */
async function drawnByFrames({ plan, pass }: RenderRequest, start: Draft): Promise<Drawn> {
  const isAlone = enlarges(plan.steps, start.size);
  const isScale = ({ kind }: Step): boolean => kind === 'scale' && !isAlone;
  const scaled = await runSteps(start, plan.steps.filter(isScale), handover(plan, pass), pass);
  const strip = await toRaw(scaled.image, stripSize(scaled.size, plan), pass);
  const rest = plan.steps.filter((step) => !isScale(step));
  const frames = await runOnFrames(strip, scaled.size, rest, pass);
  const { icc, meta } = plan.values;
  const warnings = [...(icc === 'keep' ? ['icc-srgb'] : []), ...(meta === 'keep' ? ['metadata-lost'] : [])];
  return { image: fromStrip(frames, plan.source.pages), plan, isStripped: true, warnings };
}

const handover =
  (plan: Plan, pass: PassOptions): Handover =>
  async (image, size) =>
    (await materialize({ image, size }, plan, pass))();
