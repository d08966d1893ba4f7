import type { Box } from '../geometry/turns.ts';
import { inverse, turnBox, turnSize } from '../geometry/turns.ts';
import type { Transformation } from '../operations/index.ts';
import { codecLoss } from '../original/loss.ts';
import { naturalBox } from '../plan/drawing.ts';
import { storedRegion, storedWhole } from '../plan/geometry-steps.ts';
import type { Plan } from '../plan/plan.ts';
import { makePlan } from '../plan/plan.ts';
import type { ContentSearch } from './content-box.ts';
import { contentBox, union } from './content-box.ts';
import { stripSize } from './materialize.ts';
import { open } from './opening.ts';
import type { Raw } from './pipeline.ts';
import { toRaw } from './pipeline.ts';
import type { RenderRequest } from './types.ts';

/** What is there before a trim; a drawing is drawn as large as it will be, so that its edges are found there. */
function valuesBefore({ values, source }: Plan): Transformation {
  const { rect, orient, page, anim, fmt, w, h } = values;
  const size = source.vector ? { w, h } : {};
  const all = Object.entries({ rect, orient, page, anim, fmt, ...size });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/**
 * The box that is left of the upright picture without its uniform border, whose colour is that of the top left pixel;
 * over all frames where the result moves. At full size, since a border measured on a small copy is pixels off.
 *
 * @returns  undefined where there is nothing to cut, or nothing but border
 */
export async function findTrim(request: RenderRequest): Promise<Box | undefined> {
  const { opened, options, pass } = request;
  const threshold = request.plan.values.trim;
  if (threshold === undefined) return undefined;
  const before = makePlan(opened.source, valuesBefore(request.plan), options);
  const plan = { ...before, moves: request.plan.moves, wide: false };
  const whole = storedWhole(plan);
  const region = storedRegion(plan) ?? whole;
  const image = await open({ ...request, plan });
  const strip = await toRaw(image.ensureAlpha(), stripSize(region, plan), pass);
  const loss = codecLoss(plan.source, opened.bytes, plan.page);
  const noise = loss && { ...loss, left: region.left % 16, top: region.top % 16 };
  const border = pixelOf(strip, cornerOf(plan, region));
  const box = boxOfFrames(strip, region, { threshold, border, noise });
  if (!box || (box.width === region.width && box.height === region.height)) return undefined;
  const stored = { ...box, left: region.left + box.left, top: region.top + box.top };
  const upright = turnBox(stored, whole, plan.orientation);
  return plan.source.vector ? naturalBox(upright, plan.upright, plan.source.stored) : upright;
}

/** Where the top left pixel of the upright region is stored. */
function cornerOf({ orientation }: Plan, region: Box): { left: number; top: number } {
  const pixel = { left: 0, top: 0, width: 1, height: 1 };
  return turnBox(pixel, turnSize(region, orientation), inverse(orientation));
}

const pixelOf = ({ data, width }: Raw, { left, top }: { left: number; top: number }): Uint8Array =>
  data.subarray((top * width + left) * 4, (top * width + left) * 4 + 4);

function boxOfFrames({ data }: Raw, { width, height }: Box, search: ContentSearch): Box | undefined {
  const length = width * height * 4;
  let box: Box | undefined;
  for (let start = 0; start < data.length; start += length) {
    const found = contentBox({ data: data.subarray(start, start + length), width, height }, search);
    if (found) box = box ? union(box, found) : found;
  }
  return box;
}
