import { isProblem, Problem } from '../../shared/errors.ts';

/** sharp's own complaints about our calls, and libvips' about impossible geometry: our mistake, never the file's. */
const OURS = /^(Expected|Invalid|Unsupported input|extract_area: bad|Image to composite|.*does not support)/;

/**
 * The public reason for an error of sharp. The only place that reads a message; test/corpus holds it to real files.
 * The message itself goes to the log as `cause`.
 */
export function sharpProblem(error: unknown): unknown {
  if (isProblem(error) || !(error instanceof Error)) return error;
  // sharp throws plain errors; a TypeError is a mistake in this program and must not be told as damage.
  if (error.name !== 'Error') return error;
  const text = error.message;
  if (/timeout: \d+% complete/.test(text)) {
    return new Problem('deadline', 'The render took too long and was stopped.', {}, error);
  }
  if (/exceeds pixel limit|exceeds limit|Image dimensions too large/i.test(text)) {
    return new Problem('too_many_pixels', 'The original has more pixels than are allowed.', {}, error);
  }
  if (/unsupported image format|no decoding plugin|Unsupported codec|not built with support/i.test(text)) {
    return new Problem('unsupported_source', 'The original is of a kind that cannot be read.', {}, error);
  }
  if (OURS.test(text)) return error;
  return new Problem('damaged_source', 'The original is damaged and cannot be decoded whole.', {}, error);
}
