import type { Point } from '../core/geometry/geometry.ts';
import type { Size } from '../core/operations/operation.ts';
import type { MasterOf, Source, SourceLimits } from '../core/original/source.ts';
import type { Probe } from '../core/plan/auto-quality.ts';
import type { Priority } from '../core/plan/formats.ts';
import type { Preview } from '../core/render/preview.ts';
import type { Rendered } from '../core/render/types.ts';
import type { ProblemCode, ProblemFacts } from '../shared/errors.ts';

/** Where the bytes of an original lie for a render process to read. */
export interface OriginalRef {
  readonly path: string;
  /** What belongs to the original; a store may keep a trailer of its own behind it. */
  readonly bytes: number;
  /** Whose lossless picture this is; absent: the original itself. */
  readonly master?: MasterOf | undefined;
}

/** Everything that decides a picture beside its original; a render process plans it anew from this. */
export interface RenderSpec {
  /** Canonical form, format resolved. */
  readonly canonical: string;
  readonly priority: Priority;
  readonly limits: SourceLimits;
  readonly focal?: Point | undefined;
  /** Bytes that this program has made itself, never those of an original. */
  readonly watermark?: Uint8Array | undefined;
  readonly watermark2?: Uint8Array | undefined;
  /** Of this picture, where that is known. */
  readonly probe?: Probe | undefined;
  /** Seconds after which libvips gives up by itself. */
  readonly timeoutSeconds: number;
}

/** What a render process is asked for, and what it answers with. */
export interface Tasks {
  /** Reads the header of the page that is asked for, where it has one of its own: see pageWithHeader. */
  readonly open: {
    readonly asks: {
      readonly original: OriginalRef;
      /** Counting from 0. */
      readonly page?: number;
    };
    readonly answers: Source;
  };
  /** Renders one variant. */
  readonly render: {
    readonly asks: { readonly original: OriginalRef; readonly spec: RenderSpec };
    readonly answers: Rendered;
  };
  /** Renders several variants of one original, decoding once for all that can share it; a part for each. */
  readonly group: {
    readonly asks: { readonly original: OriginalRef; readonly specs: readonly RenderSpec[] };
    readonly answers: undefined;
  };
  /** Decodes all of an original once, by the cheapest way. */
  readonly preview: {
    readonly asks: {
      readonly original: OriginalRef;
      readonly limits: SourceLimits;
      readonly timeoutSeconds: number;
    };
    readonly answers: Preview;
  };
  /**
   * Decodes an original that only libheif reads, once, to a lossless picture in the folder that the process may write to.
   * Whoever asks says under which name, and looks nowhere else: a path in the answer would be the process' own choice.
   */
  readonly master: {
    readonly asks: {
      readonly original: OriginalRef;
      readonly limits: SourceLimits;
      readonly fileName: string;
    };
    readonly answers: MasterOf;
  };
  /** Decodes all of a picture to a PNG that this program can trust, an SVG at `side` px of its longer side. */
  readonly mark: {
    readonly asks: {
      readonly original: OriginalRef;
      readonly limits: SourceLimits;
      readonly side: number;
      /** In place of `{text}` in a drawing; absent: nothing stands there. */
      readonly text?: string | undefined;
    };
    readonly answers: { readonly bytes: Uint8Array; readonly size: Size; readonly takesText: boolean };
  };
}

export type TaskKind = keyof Tasks;
export type AsksOf<K extends TaskKind> = Tasks[K]['asks'];
export type AnswerOf<K extends TaskKind> = Tasks[K]['answers'];
/** A task as it goes to the process; without its number. */
export type Task = { readonly [K in TaskKind]: { readonly kind: K } & AsksOf<K> }[TaskKind];

/** A variant of a group that is done, well or not. */
export interface GroupPart {
  readonly canonical: string;
  readonly rendered?: Rendered | undefined;
  readonly failure?: Failure | undefined;
  /** Of one core, its share of what was decoded for several among it. */
  readonly ms: number;
}

/** An error on its way between processes: a Problem keeps its code, anything else its text. */
export interface Failure {
  readonly code?: ProblemCode | undefined;
  readonly detail: string;
  readonly facts?: ProblemFacts | undefined;
  /** Text of what is behind it, for the log. */
  readonly cause?: string | undefined;
}

export type ToProcess =
  | { readonly task: number; readonly run: Task }
  /** Nobody waits for the task any more: it ends before its next pass. */
  | { readonly task: number; readonly abandon: true }
  /** The parent may have closed: the next part of the group may begin, or must not. */
  | { readonly task: number; readonly begin: boolean };

export type FromProcess =
  | { readonly ready: true }
  | { readonly task: number; readonly answer: unknown }
  | { readonly task: number; readonly failure: Failure }
  /** Asks whether these variants of a group are still wanted. */
  | { readonly task: number; readonly begins: readonly string[] }
  | { readonly task: number; readonly part: GroupPart }
  /** The drawing of the task has been drawn. */
  | { readonly task: number; readonly drawn: true };
