import { inverse, turnSize } from '../geometry/turns.ts';
import type { Size } from '../operations/operation.ts';
import { isForeign } from './colour-space.ts';
import type { Cost } from './cost.ts';
import { FORMAT_TABLE } from './formats.ts';
import { storedRegion } from './geometry-steps.ts';
import { isPlacing } from './pipeline.ts';
import type { Plan, PlanOptions } from './plan.ts';
import type { Shrink } from './shrink.ts';
import { shrinkOnLoad } from './shrink.ts';

/** One of the variants of an original that are rendered together. */
export interface Member {
  /** Canonical form. */
  readonly name: string;
  readonly plan: Plan;
  readonly options: PlanOptions;
}

/** Members that are the same pixels until they are encoded. */
export type Picture<M extends Member = Member> = readonly [M, ...(readonly M[])];

/** What several plans of one region start from, as stored, in sRGB; width and height in px. */
export interface Base extends Size {
  /** By the loader, to a pixel what a render of its own gets; undefined: resized to this size. */
  readonly shrink: Shrink | undefined;
}

/** Pictures that share one decode. */
export interface Group<M extends Member = Member> {
  readonly pictures: readonly [Picture<M>, ...(readonly Picture<M>[])];
  /** What is decoded once; undefined: rendered from the original. */
  readonly base: Base | undefined;
  /** Of all of it, one picture after the other. */
  readonly cost: Cost;
}

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
function loadedAt(plan: Plan): Shrink | 0 {
  const { source, upright, geometry } = plan;
  const shrink = shrinkOnLoad(plan);
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
