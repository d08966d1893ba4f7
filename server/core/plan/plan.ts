import { Problem } from '../../shared/errors.ts';
import type { Geometry, Point } from '../geometry/geometry.ts';
import { cutFirst, planGeometry } from '../geometry/geometry.ts';
import type { Box, Turn } from '../geometry/turns.ts';
import { turnSteps, UPRIGHT } from '../geometry/turns.ts';
import type { Transformation } from '../operations/index.ts';
import { OPERATIONS } from '../operations/index.ts';
import type { Operation, Size, Step, StepContext } from '../operations/operation.ts';
import { MAX_SIDE } from '../operations/resize.ts';
import type { Source, SourceLimits } from '../original/source.ts';
import { checkPixels, keepsGamut, uprightSize } from '../original/source.ts';
import type { Cost } from './cost.ts';
import { priceOf } from './cost.ts';
import { drawingOf } from './drawing.ts';
import { fitting } from './format-conflicts.ts';
import type { EncoderSettings, Format, Priority } from './formats.ts';
import { chooseFormat, encoderSettings, FORMAT_TABLE, wantsMotion } from './formats.ts';
import { inP3 } from './gamut.ts';

/** Everything that is decided before a pixel is decoded. */
export interface Plan {
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
  /** After the geometry, in order. */
  readonly steps: readonly Step[];
  /** px of a frame of the result; a pixel off where a step is inexact. */
  readonly result: Size;
  readonly cost: Cost;
  readonly warnings: readonly string[];
}

export interface PlanOptions {
  readonly priority: Priority;
  readonly limits: SourceLimits;
  readonly focal?: Point | undefined;
  readonly watermark?: Uint8Array | undefined;
  /** Found by decoding, so a plan made before that does not have it. */
  readonly trimmed?: Box | undefined;
}

/** ThumbHash takes at most 100 px a side. */
const PLACEHOLDER_SIDE = 100;

/** Frames that are decoded, and whether the result moves. */
function motion(source: Source, values: Transformation, format: Format, { maxFrames }: SourceLimits) {
  const wanted = wantsMotion(source, values) && FORMAT_TABLE[format].moves;
  if (!wanted || source.pages <= maxFrames) return { moves: wanted, warnings: [] };
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

function pageOf(source: Source, values: Transformation): number {
  const page = values.page ?? 1;
  if (page <= source.pages) return page - 1;
  const facts = { param: 'page', received: String(page), allowed: `1-${source.pages}` };
  throw new Problem(
    'invalid_parameter',
    `The original has ${source.pages} pages; page=${page} is not there.`,
    facts,
  );
}

/** What lies behind alpha: hex without alpha, or undefined where the result keeps it. */
function backgroundOf(values: Transformation, alpha: boolean): string | undefined {
  const given = values.bg;
  if (given === undefined || given.endsWith('00000000')) return alpha ? undefined : '#ffffff';
  return given;
}

/** Letterbox of fit=contain; it lies before `rot`, so its sides turn with the picture. */
function letterbox(geometry: Geometry, context: StepContext): Step[] {
  if (!geometry.canvas) return [];
  const { size, at } = geometry.canvas;
  const sides = {
    top: at.top,
    left: at.left,
    right: size.width - at.width - at.left,
    bottom: size.height - at.height - at.top,
  };
  const background = context.background ?? '#00000000';
  return [
    {
      name: `place on ${size.width} x ${size.height}`,
      slot: 'extend',
      opens: background.length > 7,
      apply: (image) => image.extend({ ...sides, background }),
      resized: () => size,
      cost: 3,
    },
  ];
}

/** Mirrors and quarter turns behind a letterbox; without one they are part of the geometry. */
function lateTurn({ turn, canvas }: Geometry): Step[] {
  return canvas ? turnSteps(turn) : [];
}

/** A colour with alpha cannot be flattened onto: it is laid under the picture and stays see-through. */
const underlay = (background: string): Step => ({
  name: `lay over ${background}`,
  slot: 'composite',
  apply: (image) => {
    const input = { create: { width: 1, height: 1, channels: 4 as const, background } };
    return image.ensureAlpha().composite([{ input, tile: true, blend: 'dest-over' }]);
  },
});

const flatten = (background: string): Step => ({
  name: `lay on ${background}`,
  slot: 'flatten',
  apply: (image) => image.flatten({ background }),
});

/** Lays the picture on its background. Before the resize where nothing looks at the alpha in between: one pass less. */
function withBackground(steps: readonly Step[], source: Source, { background, alpha }: StepContext): Step[] {
  const opens = steps.some((step) => step.opens);
  if (!background || (!source.alpha && !opens && !isSeeThrough(background))) return [...steps];
  if (isSeeThrough(background))
    return [...steps, underlay(background), ...(alpha ? [] : [flatten('#ffffff')])];
  const early = !opens && steps.every(({ slot }) => slot === 'extend');
  return early ? [flatten(background), ...steps] : [...steps, flatten(background)];
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

const isSeeThrough = (background: string | undefined): boolean =>
  background !== undefined && background.length > 7;

/** Steps that do not look at or change colours, so that the background may be there before them. */
const COLOURLESS = new Set(['extend', 'rotate', 'flip', 'turn']);

function stepsOf(values: Transformation, geometry: Geometry, source: Source, context: StepContext): Step[] {
  const all = (given: StepContext) => [
    ...letterbox(geometry, given),
    ...lateTurn(geometry),
    ...OPERATIONS.flatMap((operation: Operation) => operation.steps?.(values, given) ?? []),
  ];
  const steps = all(context);
  const early = steps.every(({ slot }) => COLOURLESS.has(slot)) && !isSeeThrough(context.background);
  // Letterbox, corners and padding stay clear until the colours are done: a negated picture keeps its red background.
  return withBackground(
    early ? steps : all({ ...context, background: undefined, alpha: true }),
    source,
    context,
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

/**
 * Plans a render from the header of an original alone.
 *
 * @param source  from readSource
 * @param asked   from readTransformation
 * @throws Problem `too_many_pixels` (also for a side of the result), `too_many_frames`, `no_overlap`, `invalid_parameter` (page)
 */
export function makePlan(source: Source, asked: Transformation, options: PlanOptions): Plan {
  const format = chooseFormat(source, asked);
  const { values, dropped } = fitting(asked, format, source);
  const { alpha } = FORMAT_TABLE[format];
  const page = pageOf(source, values);
  const { moves, warnings } = motion(source, values, format, options.limits);
  const { upright, geometry, held } = layOut(source, values, options, moves);
  const wide = !moves && keepsGamut(source, values);
  const painted = wide ? inP3(values) : values;
  const background = backgroundOf(painted, alpha);
  const steps = stepsOf(painted, geometry, source, { alpha, background, watermark: options.watermark });
  const start = geometry.canvas ? geometry.scaled : geometry.result;
  const result = steps.reduce((size, step) => step.resized?.(size) ?? size, start);
  checkSides(result);
  const settings = encoderSettings(source, values, options.priority, moves);
  const work = {
    source,
    upright,
    geometry,
    steps,
    trims: values.trim !== undefined,
    gamma: values.gam !== undefined,
    frames: moves ? source.pages : 1,
    result,
  };
  return {
    values,
    source,
    format,
    settings,
    moves,
    wide,
    page,
    orientation: values.orient === '0' ? UPRIGHT : source.orientation,
    upright,
    geometry,
    steps,
    result,
    cost: priceOf(work, { format, settings }),
    warnings: [
      ...dropped,
      ...warnings,
      ...geometry.warnings,
      ...(held ? ['enlarged-drawing'] : []),
      ...(source.unknownColor ? ['colour-unknown'] : []),
    ],
  };
}
