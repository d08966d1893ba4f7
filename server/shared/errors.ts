/** Every public failure is a row: status and title. A code without a row does not compile. */
export const PROBLEMS = {
  invalid_parameter: [400, 'Parameter value not accepted'],
  unknown_parameter: [400, 'Unknown parameter'],
  duplicate_parameter: [400, 'Parameter given twice'],
  unsigned_parameter: [400, 'Parameter behind the signature'],
  conflicting_parameters: [400, 'Parameters contradict each other'],
  invalid_request: [400, 'Request not understood'],
  malformed_request: [400, 'Not a request of HTTP'],
  unauthorized: [401, 'Credentials missing or not accepted'],
  signature_required: [403, 'Only signed URLs are served'],
  bad_signature: [403, 'Signature does not match'],
  not_allowed: [403, 'Not allowed on this deployment'],
  forbidden: [403, 'Token lacks the scope'],
  foreign_page: [403, 'Sent by a page of another origin'],
  image_not_found: [404, 'No such image'],
  collection_not_found: [404, 'No such collection'],
  feed_not_found: [404, 'No such feed'],
  source_absent: [404, 'There is no original at its address'],
  route_not_found: [404, 'No such page'],
  method_not_allowed: [405, 'Method not allowed'],
  request_timeout: [408, 'Request took too long to arrive'],
  conflict: [409, 'Conflicts with the current state'],
  request_in_progress: [409, 'The same request is being worked on'],
  url_expired: [410, 'URL has expired'],
  precondition_failed: [412, 'Not in the state that was asked for'],
  upload_too_large: [413, 'Upload is too large'],
  uri_too_long: [414, 'Query is too long'],
  unsupported_source: [415, 'This file type cannot be read'],
  damaged_source: [422, 'The stored image is damaged'],
  too_many_pixels: [422, 'Image exceeds the pixel limit'],
  too_many_frames: [422, 'Image exceeds the frame limit'],
  unrenderable: [422, 'Image cannot be decoded or drawn'],
  no_overlap: [422, 'Region lies outside the image'],
  idempotency_key_reused: [422, 'The key belongs to another request'],
  invalid_feed: [422, 'The feed cannot be read'],
  source_too_large: [422, 'Original exceeds the byte limit'],
  rate_limited: [429, 'Too many requests'],
  headers_too_large: [431, 'Address and headers are too large'],
  internal: [500, 'Internal error'],
  damaged_store: [500, 'Stored bytes are damaged'],
  watermark_unusable: [500, 'The watermark cannot be used'],
  source_error: [502, 'The original cannot be fetched'],
  source_refused: [502, 'The original cannot be had from its address'],
  overloaded: [503, 'Too busy, retry'],
  draining: [503, 'Shutting down, retry'],
  store_refused: [500, 'Storage refuses this'],
  store_unavailable: [503, 'Storage is unavailable'],
  keys_unavailable: [503, 'Keys of tokens cannot be fetched'],
  deadline: [504, 'Took too long'],
  storage_full: [507, 'Storage is full'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What the caller can act on. All values are plain text that may be shown to anyone. */
export interface ProblemFacts {
  /** Name of the offending parameter or body field. */
  param?: string | undefined;
  received?: string | undefined;
  /** What would have been accepted. */
  allowed?: string | undefined;
  hint?: string | undefined;
  /** The text that a signature was compared with. */
  checked?: string | undefined;
  /** For 429 and 503: when it is worth asking again. */
  retryAfterSeconds?: number | undefined;
}

/**
 * An expected failure with a public explanation (RFC 9457). Thrown where the fact is known and mapped to
 * HTTP once, in app.ts. Callers compare `code`, never the class or the message.
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly facts: ProblemFacts;

  /**
   * @param code    row of PROBLEMS
   * @param detail  for the person calling the API: what was received, what is accepted
   * @param facts   machine-readable parts of the same explanation
   * @param cause   library error; goes to the log only
   */
  constructor(code: ProblemCode, detail: string, facts: ProblemFacts = {}, cause?: unknown) {
    super(detail, { cause });
    this.name = 'Problem';
    this.code = code;
    this.detail = detail;
    this.facts = facts;
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }
}

/** Whether `error` is a Problem, told by its code so that it also holds across module copies. */
export function isProblem(error: unknown): error is Problem {
  return error instanceof Error && 'code' in error && String(error.code) in PROBLEMS && 'facts' in error;
}

/** `code: detail`, for the status; nothing of the inside of an unexpected error. */
export function reasonOf(error: unknown): string {
  return isProblem(error) ? `${error.code}: ${error.detail}` : 'internal: Something went wrong on our side.';
}

/** The RFC 9457 body of a failure; `instance` is the request id. Unknown errors reveal nothing. */
export function problemBody(error: unknown, instance: string): Record<string, unknown> {
  const problem = isProblem(error) ? error : new Problem('internal', 'Something went wrong on our side.');
  const [status, title] = PROBLEMS[problem.code];
  const { retryAfterSeconds: _header, ...facts } = problem.facts;
  const type = `urn:rendition:problem:${problem.code}`;
  return { type, title, status, detail: problem.detail, instance, code: problem.code, ...facts };
}

/** Failures of one request that are not the fault of its URL: a cache would show them to others. */
const OWN: readonly ProblemCode[] = [
  'unauthorized',
  'foreign_page',
  'malformed_request',
  'request_timeout',
  'conflict',
  'request_in_progress',
  'idempotency_key_reused',
  'precondition_failed',
  'rate_limited',
  'headers_too_large',
];

/** Cache-Control of a failure: mistakes in the URL may be cached for a while, trouble on our side never. */
export function problemCacheControl(code: ProblemCode): string {
  const status = PROBLEMS[code][0];
  if (status >= 500 || OWN.includes(code)) return 'no-store';
  if (status === 404 || status === 403) return 'public, max-age=30';
  // It says as much of our limits as of the original.
  if (code === 'unrenderable') return 'public, max-age=60';
  return 'public, max-age=300';
}

/** Statuses by which a service of AWS says that the same request has no chance. */
const REFUSED: readonly number[] = [401, 403, 405, 501];
/** The same of file systems, for one that is read-only or belongs to somebody else. */
const REFUSED_CODES: readonly unknown[] = ['EROFS', 'EACCES', 'EPERM'];
/** Clocks and tokens are put right by the client of AWS; a quota is not a refusal. */
const PASSING = /Expired|Skewed|Throttl|SlowDown|LimitExceeded|TooMany/;
/** Codes of SQLite, in the lowest byte of those that are kinds of them. */
const SQLITE = { readonly: 8, full: 13 } as const;

function isRefused(error: Error): boolean {
  if ('code' in error && REFUSED_CODES.includes(error.code)) return true;
  if (sqliteCode(error) === SQLITE.readonly) return true;
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return typeof status === 'number' && REFUSED.includes(status) && !PASSING.test(String(error));
}

function isFull(error: Error): boolean {
  if (sqliteCode(error) === SQLITE.full) return true;
  return 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function sqliteCode(error: Error): number | undefined {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

/**
 * What a store throws for a foreign error: the caller's own reason when it was the caller who ended the
 * call, a Problem as it is, anything else as Problem with the error as its cause: `storage_full`, `store_refused` where asking again
 * is of no use, else `store_unavailable`.
 */
export function unavailable(error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (isProblem(error)) return error;
  if (error instanceof Error && isFull(error)) {
    const detail = 'The disk of the store is full: its operator has to make room.';
    return new Problem('storage_full', detail, {}, error);
  }
  if (error instanceof Error && isRefused(error)) {
    const detail =
      'The storage refuses this request and will go on to: its operator finds the reason in the log.';
    return new Problem('store_refused', detail, {}, error);
  }
  return new Problem(
    'store_unavailable',
    'The storage did not answer as expected. The same request may work in a moment.',
    { retryAfterSeconds: 1 },
    error,
  );
}
