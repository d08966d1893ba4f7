import type { Group, Outcome, Picture, Shared } from '../server/core/render/fan-out.ts';
import { openGroup, renderPicture } from '../server/core/render/fan-out.ts';
import { sharpProblem } from '../server/core/sharp/sharp-errors.ts';
import type { Admission } from '../server/shared/admission.ts';

export interface RenderEvents {
  /** A picture is begun; false: nobody wants it any more. Runs in the slot, so it should be short. */
  readonly begin: (picture: Picture) => Promise<boolean>;
  /** A member is done, well or not, in so many ms of one core. Not waited for: a slow store holds no slot. */
  readonly done: (outcome: Outcome, ms: number) => void;
}

export interface Rendering extends RenderEvents {
  readonly admission: Admission;
  /** Of admission. */
  readonly slots: number;
  readonly shared: Shared;
}

/**
 * Renders groups through admission. Every group takes one slot; further slots help with its pictures while
 * they are free.
 *
 * @throws the signal's reason once nothing is under way any more
 */
export async function renderGroups(groups: readonly Group[], rendering: Rendering): Promise<void> {
  const ended = await Promise.allSettled(groups.map((group) => renderGroup(group, rendering)));
  for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
}

async function renderGroup(group: Group, rendering: Rendering): Promise<void> {
  const { admission, shared } = rendering;
  const { cpuMs, memoryBytes } = group.cost;
  const price = { ms: cpuMs, bytes: memoryBytes + shared.opened.bytes.byteLength };
  const permit = await admission.acquire(price, shared.pass.signal);
  try {
    const started = shared.now();
    const base = await openGroup(group, shared);
    const members = group.pictures.flat();
    const share = base ? (shared.now() - started) / members.length : 0;
    const todo = [...group.pictures];
    const next = async (): Promise<boolean> => {
      const picture = todo.shift();
      if (!picture) return false;
      if (!(await rendering.begin(picture))) return true;
      for await (const outcome of renderPicture(picture, base, shared)) {
        rendering.done(outcome, share + msOf(outcome));
      }
      return true;
    };
    await withHelp(next, () => todo.length, price, rendering);
  } catch (error) {
    shared.pass.signal?.throwIfAborted();
    const failed = sharpProblem(error, shared.opened.source.format);
    for (const member of group.pictures.flat()) rendering.done({ member, error: failed }, 0);
  } finally {
    permit.release();
  }
}

/** Calls `next` until it says no: here, and in every slot that is free meanwhile. */
async function withHelp(
  next: () => Promise<boolean>,
  left: () => number,
  price: { ms: number; bytes: number },
  { admission, slots, shared }: Rendering,
): Promise<void> {
  const finished = new AbortController();
  const { signal } = shared.pass;
  const leave = signal ? AbortSignal.any([signal, finished.signal]) : finished.signal;
  const part = { ms: price.ms / Math.max(1, left()), bytes: price.bytes / 2 };
  const help = async () => {
    while (left() > 0) {
      const permit = await admission.acquire(part, leave).catch(() => undefined);
      if (!permit) return;
      try {
        await next();
      } finally {
        permit.release();
      }
    }
  };
  const helpers = Array.from({ length: Math.min(slots, left()) - 1 }, help);
  try {
    while (await next());
  } finally {
    finished.abort();
    await Promise.allSettled(helpers);
  }
  await Promise.all(helpers);
}

function msOf(outcome: Outcome): number {
  if ('error' in outcome) return 0;
  const { decode, transform, encode } = outcome.rendered.timings;
  return decode + transform + encode;
}
