import { inverse, turnSize } from '../geometry/turns.ts';
import type { Size } from '../operations/operation.ts';
import type { Probe } from '../plan/auto-quality.ts';
import { isForeign } from '../plan/colour-space.ts';
import type { Cost } from '../plan/cost.ts';
import { FORMAT_TABLE } from '../plan/formats.ts';
import { storedRegion } from '../plan/geometry-steps.ts';
import { isPlacing } from '../plan/pipeline.ts';
import type { Plan, PlanOptions } from '../plan/plan.ts';
import type { Shrink } from '../plan/shrink.ts';
import { shrinkOnLoad } from '../plan/shrink.ts';
import { sharpProblem } from '../sharp/sharp-errors.ts';
import { encodeResult } from './encode.ts';
import type { Raw } from './pipeline.ts';
import { fromRaw } from './pipeline.ts';
import type { Base } from './render.ts';
import { decodeBase, pixelsOf, render } from './render.ts';
import type { Rendered, RenderRequest } from './types.ts';

/** One of the variants of an original that are rendered together. */
export interface Member {
  /** Canonical form. */
  readonly name: string;
  readonly plan: Plan;
  readonly options: PlanOptions;
}

/** Members that are the same pixels until they are encoded. */
export type Picture<M extends Member = Member> = readonly [M, ...(readonly M[])];

/** Pictures that share one decode. */
export interface Group<M extends Member = Member> {
  readonly pictures: readonly [Picture<M>, ...(readonly Picture<M>[])];
  /** What is decoded once; undefined: rendered from the original. */
  readonly base: Base | undefined;
  /** Of all of it, one picture after the other. */
  readonly cost: Cost;
}

/** Everything of a request but what is a member's own. */
export interface Shared extends Omit<RenderRequest, 'plan' | 'options' | 'base'> {
  /** The original as a file, for a loader that takes its options with the name of a file. */
  readonly path: () => Promise<string>;
}

type Settled<T> = { readonly member: Member } & ({ readonly rendered: T } | { readonly error: unknown });
export type Outcome = Settled<Rendered>;

/** A base is held as raw pixels: 64 MB at most. */
const MAX_BASE_PIXELS = 16_000_000;

/** Parameters in which a group may differ: `w` and `h` are compared as geometry, the others act on the encoding. */
const OUTSIDE = new Set('w h fmt q lossless progressive chroma colors effort mb meta icc'.split(' '));

/**
 * Puts plans of one original together by what they share. Sharing a decode must not change the picture: a
 * trim and a smart crop look at the pixels, gamma at their numbers, an enlarged base would be enlarged again, a drawing has no pixels
 * before its size is known, frames come as a strip, and profile and metadata stay with the original.
 *
 * Pictures for which the loader shrinks alike share what it gives, so that each is to the pixel what a render of its
 * own makes (12 variants of 20 MP: 0.43 of the CPU; one decode for all took 0.28, and WebP made of it an SSIM of 0.96).
 */
export function groupPlans<M extends Member>(members: readonly M[]): Group<M>[] {
  const groups = Map.groupBy(members, ({ plan, name }) =>
    sharesDecode(plan) ? JSON.stringify([plan.page, storedRegion(plan) ?? null, loadedAt(plan)]) : name,
  );
  return [...groups.values()].map(groupOf);
}

const picturesOf = <M extends Member>(members: readonly M[]): Picture<M>[] =>
  [...Map.groupBy(members, pictureKey).values()].flatMap(([first, ...same]): Picture<M>[] =>
    first ? [[first, ...same]] : [],
  );

/**
 * By how much the loader shrinks for a plan; 0 where what it gives is not to be shared: WebP is scaled to each size,
 * 16 bits would become 8 too early, and some pictures are too large to be held.
 */
function loadedAt({ source, upright, geometry, values }: Plan): Shrink | 0 {
  const shrink = shrinkOnLoad(source, upright, { ...geometry, gamma: values.gam !== undefined });
  const { width, height } = geometry.region ?? upright;
  const fits = width * height <= MAX_BASE_PIXELS * shrink ** 2;
  return fits && source.format !== 'webp' && !source.deep ? shrink : 0;
}

function sharesDecode(plan: Plan): boolean {
  const { values, moves, source, geometry, upright } = plan;
  const { scaled, strategy, region = upright } = geometry;
  const shrinks = scaled.width <= region.width && scaled.height <= region.height;
  const still = values.trim === undefined && !strategy && !moves && !source.vector;
  const srgb = (values.icc ?? 'srgb') === 'srgb' && !isForeign(plan) && values.meta !== 'keep';
  // sharp does not shrink on load beside a gamma, which it lays around the resize, in the colours of the original.
  const linear = values.gam !== undefined;
  // The loader reads the file, which has no profile of ours.
  const isAsWritten = source.format !== 'jpeg' || !source.recolored;
  return (
    shrinks && still && srgb && !linear && isAsWritten && scaled.width * scaled.height <= MAX_BASE_PIXELS
  );
}

function groupOf<M extends Member>(members: readonly M[]): Group<M> {
  const [first, ...others] = picturesOf(members);
  if (!first) throw new Error('A group without members.');
  const cost = members.map(({ plan }) => plan.cost).reduce(sumCost);
  if (others.length === 0) return { pictures: [first], base: undefined, cost };
  const base = baseOf(members, first[0].plan);
  const baseBytes = base.width * base.height * 4;
  return { pictures: [first, ...others], base, cost: { ...cost, memoryBytes: cost.memoryBytes + baseBytes } };
}

/** What the loader gives; where that cannot be shared, the largest picture. */
function baseOf(members: readonly Member[], first: Plan): Base {
  const shrink = loadedAt(first) || undefined;
  const stored = (plan: Plan, size: Size) => turnSize(size, inverse(plan.orientation));
  const sizes = shrink
    ? [stored(first, first.geometry.region ?? first.upright)]
    : members.map(({ plan }) => stored(plan, plan.geometry.scaled));
  // The loader leaves out what is left of a block.
  const side = (longest: number): number => Math.floor(longest / (shrink ?? 1));
  return {
    width: side(Math.max(...sizes.map(({ width }) => width))),
    height: side(Math.max(...sizes.map(({ height }) => height))),
    shrink,
  };
}

/** Work adds up; memory is that of the greediest, since they come one after the other. */
const sumCost = (a: Cost, b: Cost): Cost => ({
  cpuMs: a.cpuMs + b.cpuMs,
  memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
});

/** Equal where two plans make the same pixels. What lies behind them depends on whether the format has alpha. */
function pictureKey({ plan }: Member): string {
  const { geometry, orientation, steps, values, format, source } = plan;
  const own = Object.entries(values).filter(([name]) => !OUTSIDE.has(name));
  const isPainted = source.alpha || steps.some((step) => !isPlacing(step));
  const alpha = isPainted && FORMAT_TABLE[format].alpha;
  return JSON.stringify([geometry, orientation, alpha, own.sort()]);
}

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
