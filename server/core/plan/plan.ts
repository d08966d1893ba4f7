import { Problem } from '../../shared/errors.ts';
import type { Geometry, Point } from '../geometry/geometry.ts';
import { cutFirst, planGeometry } from '../geometry/geometry.ts';
import type { Box, Turn } from '../geometry/turns.ts';
import { inverse, turnSize, UPRIGHT } from '../geometry/turns.ts';
import type { Transformation } from '../operations/index.ts';
import type { Size, Step } from '../operations/operation.ts';
import { pageAsked } from '../operations/page.ts';
import { MAX_SIDE } from '../operations/resize.ts';
import type { Source, SourceLimits } from '../original/source.ts';
import { checkPixels, keepsGamut, uprightSize } from '../original/source.ts';
import type { Probe } from './auto-quality.ts';
import { losesProfile } from './colour-space.ts';
import type { Cost } from './cost.ts';
import { priceOf } from './cost.ts';
import { drawingOf } from './drawing.ts';
import { fitting } from './format-conflicts.ts';
import type { EncoderSettings, Format, Priority } from './formats.ts';
import { chooseFormat, encoderSettings, FORMAT_TABLE, MAX_DELAY_MS, wantsMotion } from './formats.ts';
import { inP3 } from './gamut.ts';
import { miniature, shareOf } from './miniature.ts';
import { isPlacing, stepsOf } from './pipeline.ts';
import { lightened, lighterFormat } from './weight.ts';

/** Everything that is decided before a pixel is decoded. */
export interface Plan {
  /** As the canonical form has it: what a plan that takes the place of this one is made from, or it would not know what was left out. */
  readonly requested: Transformation;
  /** Without what the picture or its format cannot do. */
  readonly values: Transformation;
  readonly source: Source;
  readonly format: Format;
  readonly settings: EncoderSettings;
  readonly moves: boolean;
  /** Keeps colours outside sRGB: never turned into sRGB on the way to P3. */
  readonly wide: boolean;
  /** Counting from 0. */
  readonly page: number;
  /** From stored to upright; nothing with orient=0. */
  readonly orientation: Turn;
  /** px of what is read, upright: of the original, or of the raster that an SVG is drawn on. */
  readonly upright: Size;
  readonly geometry: Geometry;
  /** From the region to the finished picture, in order. */
  readonly steps: readonly Step[];
  /** px of a frame of the result. */
  readonly result: Size;
  readonly cost: Cost;
  readonly warnings: readonly string[];
}

export interface PlanOptions {
  readonly priority: Priority;
  readonly limits: SourceLimits;
  readonly focal?: Point | undefined;
  readonly watermark?: Uint8Array | undefined;
  readonly watermark2?: Uint8Array | undefined;
  /** Of this picture, where one was made before: see autoQuality. */
  readonly probe?: Probe | undefined;
  /** Found by decoding, so a plan made before that does not have it. */
  readonly trimmed?: Box | undefined;
  /** What stands for the crop by content, in px of the scaled upright picture: one for all frames. */
  readonly chosen?: Box | undefined;
}

/** ThumbHash takes at most 100 px a side. */
const PLACEHOLDER_SIDE = 100;

/** Frames that are decoded, and whether the result moves. */
function motion(source: Source, values: Transformation, format: Format, { maxFrames }: SourceLimits) {
  const isMoving = wantsMotion(source, values) && FORMAT_TABLE[format].moves;
  const isShortened = isMoving && source.delay.some((ms) => ms > MAX_DELAY_MS);
  if (!isMoving || source.pages <= maxFrames)
    return { moves: isMoving, warnings: isShortened ? ['delay-shortened'] : [] };
  if (values.anim === '1') {
    const facts = { received: `${source.pages} frames`, allowed: `${maxFrames} frames` };
    throw new Problem(
      'too_many_frames',
      `The original has ${facts.received}; ${facts.allowed} are allowed.`,
      facts,
    );
  }
  return { moves: false, warnings: ['first-frame-only'] };
}

/** A frame that was asked for is no loss. */
const losesMotion = ({ firstOnly }: Source, { anim, page, ph }: Transformation): boolean =>
  firstOnly && anim !== '0' && page === undefined && ph === undefined;

function pageOf(source: Source, values: Transformation): number {
  const page = pageAsked(values);
  if (page < source.pages) return page;
  const received = String(page + 1);
  const facts = { param: 'page', received, allowed: `1-${source.pages}` };
  throw new Problem(
    'invalid_parameter',
    `The original has ${source.pages} pages; page=${received} is not there.`,
    facts,
  );
}

/** What lies behind alpha: hex without alpha, or undefined where the result keeps it. */
function backgroundOf(values: Transformation, alpha: boolean): string | undefined {
  const input = values.bg;
  if (input === undefined || input.endsWith('00000000')) return alpha ? undefined : '#ffffff';
  return input;
}

/** Padding, borders and turns may add to a picture that was limited before. */
function checkSides({ width, height }: Size): void {
  if (Math.max(width, height) <= MAX_SIDE) return;
  const facts = { received: `${width} x ${height} px`, allowed: `${MAX_SIDE} px a side` };
  throw new Problem(
    'too_many_pixels',
    `The result would have ${facts.received}; ${facts.allowed} are allowed.`,
    facts,
  );
}

/** Size, crop and turns, in px of what will be read. */
function layOut(source: Source, values: Transformation, options: PlanOptions, moves: boolean) {
  const maxSide = values.ph ? { maxSide: PLACEHOLDER_SIDE } : {};
  const framing = { focal: options.focal, trimmed: options.trimmed, vector: source.vector, ...maxSide };
  const upright = uprightSize(source, values.orient);
  if (!source.vector) {
    checkPixels(source, moves ? source.pages : 1, options.limits);
    const geometry = cutFirst(planGeometry(upright, values, framing), upright);
    return { upright, geometry, held: false };
  }
  const drawing = drawingOf(upright, planGeometry(upright, values, framing), options.limits.maxPixels);
  const geometry = cutFirst(drawing.geometry, drawing.raster);
  return { upright: drawing.raster, geometry, held: drawing.held };
}

/** What is asked for of a placeholder, as it would look on the picture that it stands for. */
function inProportion(
  source: Source,
  values: Transformation,
  options: PlanOptions,
  result: Size,
): Transformation {
  const { ph: _placeholder, ...shown } = values;
  const whole = layOut(source, shown, options, false).geometry.result;
  return miniature(values, shareOf(result, whole));
}

/**
 * Plans a render from the header of an original alone.
 *
 * @param source  from readSource, of the page that is asked for: see pageWithHeader
 * @param requested   from readTransformation
 * @throws Problem `too_many_pixels` (also for a side of the result), `too_many_frames`, `no_overlap`, `invalid_parameter` (page)
 */
export function makePlan(source: Source, requested: Transformation, options: PlanOptions): Plan {
  const sizeOf = () => layOut(source, requested, options, false).geometry.result;
  const format = lighterFormat(chooseFormat(source, requested), source, { values: requested, sizeOf });
  const { values, dropped } = fitting(requested, format, source);
  const { alpha } = FORMAT_TABLE[format];
  const page = pageOf(source, values);
  const { moves, warnings } = motion(source, values, format, options.limits);
  const { upright, geometry: planned, held } = layOut(source, values, options, moves);
  const geometry = options.chosen ? { ...planned, crop: options.chosen, strategy: undefined } : planned;
  const wide = !moves && keepsGamut(source, values);
  const sized = values.ph ? inProportion(source, values, options, geometry.result) : values;
  const painted = wide ? inP3(sized) : sized;
  const background = backgroundOf(painted, alpha);
  const orientation = values.orient === '0' ? UPRIGHT : source.orientation;
  const { watermark, watermark2 } = options;
  const clear = source.alpha || geometry.canvas !== undefined || (values.rot ?? 0) % 90 !== 0;
  const context = { alpha, clear, background, watermark, watermark2 };
  const steps = stepsOf({ values: painted, source, upright, orientation, geometry, wide, context });
  const start = turnSize(geometry.region ?? upright, inverse(orientation));
  const result = steps.reduce((size, step) => step.resized?.(size) ?? size, start);
  checkSides(result);
  const preferred = encoderSettings(source, values, options.priority, moves);
  const settings = lightened(preferred, source, values, { format, geometry, upright, result });
  const work = {
    source,
    upright,
    geometry,
    steps: steps.filter((step) => !isPlacing(step)),
    values,
    frames: moves ? source.pages : 1,
    result,
  };
  return {
    requested,
    values,
    source,
    format,
    settings,
    moves,
    wide,
    page,
    orientation,
    upright,
    geometry,
    steps,
    result,
    cost: priceOf(work, { format, settings }),
    warnings: [
      ...dropped,
      ...(losesProfile({ values, source }) ? ['icc-srgb'] : []),
      ...(losesMotion(source, values) ? ['first-frame-only'] : []),
      ...warnings,
      ...geometry.warnings,
      ...(held ? ['enlarged-drawing'] : []),
      ...(source.unknownColor ? ['colour-unknown'] : []),
    ],
  };
}
