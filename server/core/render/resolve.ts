import type { Box } from '../geometry/turns.ts';
import { inverse, turnSize } from '../geometry/turns.ts';
import type { Size } from '../operations/operation.ts';
import { storedRegion } from '../plan/geometry-steps.ts';
import { firstPass } from '../plan/passes.ts';
import type { Plan, PlanOptions } from '../plan/plan.ts';
import { makePlan } from '../plan/plan.ts';
import { open } from './opening.ts';
import { fromRaw, rawHandover, runSteps, toRaw } from './pipeline.ts';
import { findTrim } from './trim.ts';
import type { RenderRequest } from './types.ts';

/** Decides what depends on pixels: the border to trim, and one crop for all frames of a moving picture. */
export async function resolvePlan(request: RenderRequest): Promise<Plan> {
  const trimmed = await findTrim(request);
  const options = trimmed ? { ...request.options, trimmed } : request.options;
  const planned = (found: PlanOptions): Plan =>
    makePlan(request.opened.source, request.plan.requested, { ...options, ...found });
  const plan = trimmed ? planned(options) : request.plan;
  const chosen = plan.moves ? await findCrop({ ...request, plan }) : undefined;
  return chosen ? planned({ ...options, chosen }) : plan;
}

/** Looks for the crop in the first frame: a crop of its own in each would make the picture jump. */
async function findCrop(request: RenderRequest): Promise<Box | undefined> {
  const plan = { ...request.plan, moves: false, wide: false };
  const { crop, strategy, scaled } = plan.geometry;
  if (!crop || !strategy) return undefined;
  const until = plan.steps.findIndex(({ slot }) => slot === 'smart');
  const before = plan.steps.slice(0, until).filter(({ kind }) => kind === 'scale' || kind === 'turn');
  const size = storedRegion(plan) ?? turnSize(plan.upright, inverse(plan.orientation));
  const start = { image: await open({ ...request, plan }), size, pass: firstPass(plan.source.alpha) };
  const { image } = await runSteps(start, before, rawHandover(request.pass), request.pass);
  const frame = fromRaw(await toRaw(image, scaled, request.pass));
  const found = await frame
    .resize(crop.width, crop.height, { fit: 'cover', position: strategy })
    .timeout({ seconds: request.pass.timeoutSeconds })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const place = { left: -(found.info.cropOffsetLeft ?? 0), top: -(found.info.cropOffsetTop ?? 0) };
  return checkInside({ ...place, width: crop.width, height: crop.height }, scaled);
}

/** @throws where the place that sharp names is none in the picture */
function checkInside(box: Box, frame: Size): Box {
  const { left, top, width, height } = box;
  if (left >= 0 && top >= 0 && left + width <= frame.width && top + height <= frame.height) return box;
  throw new TypeError(`A crop at ${left},${top} is not inside of ${frame.width} x ${frame.height} px.`);
}
