/** What became of a file; either a picture, or a code, or neither when the process failed. */
export interface Outcome {
  readonly file: string;
  readonly ms: number;
  /** Peak of the process so far, in bytes. */
  readonly rss: number;
  readonly width?: number;
  readonly height?: number;
  /** px of the original as it is meant to be looked at, as sharp reads it. */
  readonly upright?: { readonly width: number; readonly height: number };
  readonly type?: string;
  /** Mean difference from what sharp makes of the file, 0-255. */
  readonly off?: number;
  readonly code?: string;
  readonly detail?: string;
  /** An error that is no Problem. */
  readonly crash?: string;
  /** The process had to be killed or died. */
  readonly lost?: 'deadline' | 'exit';
}
