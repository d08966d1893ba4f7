import type { Transformation } from '../operations/index.ts';
import { OPERATIONS } from '../operations/index.ts';
import type { Operation, Step, StepContext } from '../operations/operation.ts';
import type { Source } from '../original/source.ts';
import type { Ground } from './background.ts';
import { flatten, groundOf, paintOf, underlay } from './background.ts';
import { waitsForColour } from './colour-space.ts';
import type { Placing } from './geometry-steps.ts';
import { cropping, lateTurning, scaling, turning } from './geometry-steps.ts';

interface Wanted extends Placing {
  readonly values: Transformation;
  readonly source: Source;
  readonly wide: boolean;
  /** Of the result. */
  readonly context: StepContext;
}

interface Work extends Wanted {
  /** What the steps behind the geometry paint with. */
  readonly paint: StepContext;
  readonly ground: Ground;
  readonly waits: boolean;
}

/**
 * The order of work, from the region that is read to the picture that is encoded. Each stage says which steps it
 * takes; none, where it is not needed.
 */
const PIPELINE: ReadonlyArray<(work: Work) => readonly Step[]> = [
  layFirst,
  scaling,
  turning,
  cropping,
  toColoursOfResult,
  letterboxing,
  lateTurning,
  operating,
  layLast,
];

/** Steps of a plan, in order. */
export function stepsOf(target: Wanted): Step[] {
  const behind = (paint: StepContext): Step[] => {
    const work = { ...target, paint, ground: 'none', waits: false } as const;
    return [...letterboxing(work), ...lateTurning(work), ...operating(work)];
  };
  const paint = paintOf(target.context, behind(target.context));
  const later = behind(paint);
  const ground = groundOf(target.source, target.context, later);
  const waits = waitsForColour(target) && (later.length > 0 || ground !== 'none');
  const work = { ...target, paint, ground, waits };
  return PIPELINE.flatMap((stage) => stage(work));
}

/** Size, turns and crop: what comes before anything looks different. */
export const isPlacing = ({ kind }: Step): boolean => kind === 'scale' || kind === 'turn' || kind === 'crop';

/** A background is a colour of the result, so it waits where the picture is not in its colours yet. */
function layFirst({ ground, waits, context }: Work): Step[] {
  return ground === 'first' && !waits && context.background ? [flatten(context.background)] : [];
}

function layLast({ ground, waits, context: { background, alpha } }: Work): Step[] {
  if (!background) return [];
  if (ground === 'under') return [underlay(background), ...(alpha ? [] : [flatten('#ffffff')])];
  return ground === 'last' || (ground === 'first' && waits) ? [flatten(background)] : [];
}

/** Ends a pass, since that is where pixels change their space: the steps behind it know colours. */
const convert: Step = { kind: 'colour', name: 'into sRGB', slot: 'colour', apply: (image) => image };

function toColoursOfResult({ waits }: Work): Step[] {
  return waits ? [convert] : [];
}

/** Canvas of fit=contain; it lies before `rot`, so its sides turn with the picture. */
function letterboxing({ geometry, paint }: Work): Step[] {
  if (!geometry.canvas) return [];
  const { size, at: place } = geometry.canvas;
  const sides = {
    top: place.top,
    left: place.left,
    right: size.width - place.width - place.left,
    bottom: size.height - place.height - place.top,
  };
  const background = paint.background ?? '#00000000';
  return [
    {
      kind: 'canvas',
      name: `place on ${size.width} x ${size.height}`,
      slot: 'extend',
      opens: background.length > 7,
      apply: (image) => image.extend({ ...sides, background }),
      resized: () => size,
      cost: 3,
    },
  ];
}

function operating({ values, paint }: Work): Step[] {
  const steps = OPERATIONS.flatMap((operation: Operation) => operation.steps?.(values, paint) ?? []);
  return steps.map((step) => ({ ...step, kind: 'operation' }));
}
