// [edge-safe] Also runs in the CloudFront Function: ES5 library calls, no for-of, no spread, no destructuring; and the
// members of an object come in no order, since njs lists more than eight of them by their hash.

/**
 * How the text of a value is read; first element is the kind, the rest its bounds.
 * `px` values are CSS pixels: they are multiplied by `dpr` before the range is checked.
 */
export type Grammar =
  | readonly ['int', min: number, max: number, px?: 1]
  | readonly ['dec', min: number, max: number, px?: 1]
  | readonly ['density', min: number, max: number]
  /** A whole number from the first to the last step, rounded up to one of them. */
  | readonly ['steps', ...steps: readonly string[]]
  | readonly ['enum', spellings: Readonly<Record<string, string>>]
  | readonly ['flag', on: string]
  | readonly ['color', opaque?: 1]
  | readonly ['ratio', min: number, max: number]
  | readonly ['sides', max: number]
  | readonly ['list', items: readonly Grammar[], lead?: string]
  | readonly ['bytes', min: number, max: number]
  | readonly ['text', pattern: string];

/**
 * One query parameter as plain JSON, the only thing that the edge knows of an operation.
 *
 * A condition is words that must all hold: `w` (given, and not its default), `!w` (not so) or `fmt=png` (has that value).
 */
export interface Rule {
  readonly key: string;
  readonly aliases?: readonly string[];
  /** Alternatives, tried in order. */
  readonly grammar: readonly Grammar[];
  /** Canonical text that means the same as absence. */
  readonly fallback?: string;
  /** The fallback is in CSS pixels: beside a `dpr` it is written out, multiplied. */
  readonly scaled?: 1;
  /** Has an effect only when one of these conditions holds; dropped from the canonical form otherwise. */
  readonly needs?: readonly string[];
  /** Has no effect when one of these conditions holds. */
  readonly idle?: readonly string[];
  /** Contradictions, refused with 400: conditions that must not hold. */
  readonly never?: readonly string[];
  /** Belongs to the URL, not to the picture: not part of the canonical form. */
  readonly url?: 1;
}

/** Raw `key=value` pairs, percent-decoded, in any order; a bare key has the value ''. */
export type Pairs = ReadonlyArray<readonly [key: string, value: string]>;

/** Name to query, for `p`; each was checked when it was registered. */
export type Presets = Readonly<Record<string, Pairs>>;

export type RuleErrorCode =
  | 'invalid_parameter'
  | 'unknown_parameter'
  | 'duplicate_parameter'
  | 'unsigned_parameter'
  | 'conflicting_parameters';

export interface RuleError {
  readonly code: RuleErrorCode;
  /** The parameter as the caller spelled it. */
  readonly param: string;
  readonly received: string;
  /** For conflicting_parameters: the condition that contradicts. */
  readonly with?: string;
}
