import type { Sharp } from 'sharp';
import type { Grammar, Rule } from '../query/rule.ts';

/** A query parameter with everything that is known of it. `T` is the type of its value in code. */
export interface Param<T> {
  readonly rule: Omit<Rule, 'key'>;
  /** From canonical text, which is known to fit the grammar. */
  readonly read: (text: string) => T;
  /** What the playground calls it, in words. */
  readonly label: string;
  /** One sentence for the table, the OpenAPI document and the playground. */
  readonly doc: string;
  /** Default in words, where it is not a plain value. */
  readonly unset?: string;
}

export type Params = Readonly<Record<string, Param<unknown>>>;
/** Values by parameter; a parameter that is not in the canonical form is undefined. */
export type ValuesOf<P extends Params> = {
  readonly [K in keyof P]?: P[K] extends Param<infer T> ? T : never;
};

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Place of a step in sharp's own, fixed order inside one pipeline (sharp/src/pipeline.cc 0.35); sharp ignores
 * the order of calls. A step whose slot does not come after the slot of the step before it starts a new pass.
 */
export const SLOTS = {
  /** Pixels in another space: sharp converts them between two passes only. */
  colour: 0,
  flatten: 10,
  resize: 30,
  /** Blocks are resized as well, by a pass of their own and in this one. */
  blocks: 30,
  flip: 40,
  turn: 50,
  /** sharp forgets a quarter turn when it is told of another one: never in one pass with `turn`. */
  rotate: 50,
  /** A resize as well, which crops behind sharp's turns: nothing that comes before it may be in its pass. */
  smart: 70,
  crop: 80,
  extend: 90,
  median: 100,
  blur: 120,
  recomb: 130,
  modulate: 140,
  sharpen: 150,
  composite: 160,
  gamma: 170,
  linear: 180,
  normalise: 190,
  tint: 200,
} as const;
export type Slot = keyof typeof SLOTS;

/** Ends a pass and starts the next one on the same picture, of `size` px. */
export type Handover = (image: Sharp, size: Size) => Promise<Sharp>;

/** One call to sharp, and where sharp will run it. */
export interface OperationStep {
  /** For people; nothing depends on it. */
  readonly name: string;
  readonly slot: Slot;
  /**
   * @param size  px of one frame at this point
   * @param next  ends the pass and starts another one
   */
  readonly apply: (image: Sharp, size: Size, next: Handover) => Sharp | Promise<Sharp>;
  /** px of a frame after the step, to the pixel; absent when it does not change. */
  readonly resized?: (size: Size) => Size;
  /** Leaves pixels see-through that were not. */
  readonly opens?: boolean;
  /** Leaves numbers above white, until the pass ends. */
  readonly exceeds?: boolean;
  /** CPU ms per megapixel of the frame, for admission (docs/performance.md). */
  readonly cost?: number;
}

/** What a step is to the picture. */
export type StepKind = 'scale' | 'turn' | 'crop' | 'colour' | 'canvas' | 'operation' | 'background';

export interface Step extends OperationStep {
  readonly kind: StepKind;
}

/** What a step may need beyond its own parameters. */
export interface StepContext {
  /** Whether the result's format has alpha. */
  readonly alpha: boolean;
  /** Whether some of the picture may be see-through before it has a background. */
  readonly clear: boolean;
  /** Background as hex, or undefined for transparent. */
  readonly background: string | undefined;
  /** Bytes of the registered watermarks, where `wm` and `wm2` are given. */
  readonly watermark: Uint8Array | undefined;
  readonly watermark2: Uint8Array | undefined;
}

/** What a person wants of a picture: the playground shows its controls under these headings, in this order. */
export const GROUPS = {
  size: 'Size and crop',
  colour: 'Colour',
  effects: 'Effects',
  frame: 'Frame',
  format: 'Format',
  delivery: 'Delivery',
} as const;

export interface Operation<P extends Params = Params> {
  readonly name: string;
  readonly group: keyof typeof GROUPS;
  readonly summary: string;
  readonly params: P;
  /** A query that shows the operation; used for samples and golden tests. */
  readonly example?: string;
  /** Queries that show what the example does not. */
  readonly variations?: readonly string[];
  /** Absent where geometry.ts or formats.ts plans the operation. */
  readonly steps?: (values: ValuesOf<P>, context: StepContext) => readonly OperationStep[];
}

export function operation<P extends Params>(definition: Operation<P>): Operation<P> {
  return definition;
}

interface Common {
  readonly label: string;
  readonly doc: string;
  readonly aliases?: readonly string[];
  readonly fallback?: string;
  readonly unset?: string;
  readonly needs?: readonly string[];
  readonly idle?: readonly string[];
  readonly never?: readonly string[];
  readonly url?: boolean;
  readonly scaled?: 1;
}

/** A parameter from its grammars and the reader of its canonical text. */
export function param<T>(grammar: readonly Grammar[], read: (text: string) => T, common: Common): Param<T> {
  const { label, doc, unset, url, ...rule } = common;
  const base = { rule: { ...rule, grammar, ...(url ? { url: 1 as const } : {}) }, read, label, doc };
  return unset === undefined ? base : { ...base, unset };
}

interface Bounds extends Common {
  readonly min: number;
  readonly max: number;
  /** CSS pixels: multiplied by `dpr`. */
  readonly px?: boolean;
}

export const integer = ({ min, max, px, ...common }: Bounds): Param<number> =>
  param([px ? ['int', min, max, 1] : ['int', min, max]], Number, common);

export const decimal = ({ min, max, px, ...common }: Bounds): Param<number> =>
  param([px ? ['dec', min, max, 1] : ['dec', min, max]], Number, common);

export const flag = (common: Common): Param<boolean> =>
  param([['flag', '1']], (text) => text === '1', { fallback: '0', ...common });

/** @param others  further spellings, each with the value that it stands for */
export function choice<const V extends string>(
  values: readonly V[],
  { others = {}, ...common }: Common & { others?: Readonly<Record<string, V>> },
): Param<V> {
  const spellings: Record<string, string> = {};
  for (const value of values) spellings[`$${value}`] = value;
  for (const [other, value] of Object.entries(others)) spellings[`$${other}`] = value;
  const read = (text: string): V => values.find((value) => value === text) ?? (values[0] as V);
  return param([['enum', spellings]], read, common);
}

/** `#rrggbb` or `#rrggbbaa`; `transparent` reads as undefined. */
export const readHex = (text: string): string => (text === 'transparent' ? '#00000000' : `#${text}`);

export const color = (common: Common & { opaque?: boolean }): Param<string> => {
  const { opaque, ...rest } = common;
  return param([opaque ? ['color', 1] : ['color']], readHex, rest);
};
