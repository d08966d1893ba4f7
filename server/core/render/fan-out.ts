import type { Probe } from '../plan/auto-quality.ts';
import type { Group, Member, Picture } from '../plan/groups.ts';
import type { Plan } from '../plan/plan.ts';
import { sharpProblem } from '../sharp/sharp-errors.ts';
import { encodeResult } from './encode.ts';
import type { Raw } from './pipeline.ts';
import { fromRaw } from './pipeline.ts';
import { decodeBase, pixelsOf, render } from './render.ts';
import type { Rendered, RenderRequest } from './types.ts';

/** Everything of a request but what is a member's own. */
export interface Shared extends Omit<RenderRequest, 'plan' | 'options' | 'base'> {
  /** The original as a file, for a loader that takes its options with the name of a file. */
  readonly path: () => Promise<string>;
}

type Settled<T> = { readonly member: Member } & ({ readonly rendered: T } | { readonly error: unknown });
export type Outcome = Settled<Rendered>;

/**
 * The pixels that a group starts from; undefined where it starts from the original.
 *
 * @throws Problem as render
 */
export async function openGroup({ pictures, base }: Group, shared: Shared): Promise<Raw | undefined> {
  const [[{ plan, options }]] = pictures;
  return base && decodeBase({ ...shared, plan, options }, base, shared.path);
}

/**
 * Renders the members of a picture, each as soon as it is asked for. One that fails does not end the others.
 *
 * @param base  of openGroup
 * @throws      the signal's reason when it fires before a member
 */
export async function* renderPicture(
  picture: Picture,
  base: Raw | undefined,
  shared: Shared,
): AsyncGenerator<Outcome> {
  const { signal } = shared.pass;
  signal?.throwIfAborted();
  const [{ plan, options }] = picture;
  if (picture.length === 1) {
    yield await settled(picture[0], signal, () => render({ ...shared, plan, options, base }));
    return;
  }
  const started = shared.now();
  const pixels = await settled(picture[0], signal, () => pixelsOf({ ...shared, plan, options, base }));
  const transform = (shared.now() - started) / picture.length;
  for (const member of picture) {
    signal?.throwIfAborted();
    if ('error' in pixels) yield { member, error: pixels.error };
    else
      yield await settled(member, signal, () =>
        encoded(member.plan, pixels.rendered, { transform, known: member.options.probe, shared }),
      );
  }
}

async function settled<T>(
  member: Member,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<Settled<T>> {
  try {
    return { member, rendered: await work() };
  } catch (error) {
    signal?.throwIfAborted();
    return { member, error: sharpProblem(error, member.plan.source.format) };
  }
}

async function encoded(
  plan: Plan,
  pixels: Raw,
  {
    transform,
    known,
    shared: { opened, pass, now },
  }: { transform: number; known: Probe | undefined; shared: Shared },
): Promise<Rendered> {
  const started = now();
  const finished = { image: fromRaw(pixels), plan, isStripped: true };
  const result = await encodeResult(finished, opened, pass, known);
  const warnings = [...plan.warnings, ...result.warnings];
  return { ...result, warnings, timings: { decode: 0, transform, encode: now() - started } };
}
