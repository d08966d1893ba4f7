import { gunzipSync } from 'node:zlib';
import { Problem } from '../../shared/errors.ts';
import { isGzip } from './sniff.ts';

/** Of what was compressed: a thousandth of it may ask for this much memory. */
const MAX_INFLATED_BYTES = 32 * 2 ** 20;

/**
 * What a compressed original holds, or the original itself.
 *
 * @throws Problem `source_too_large`, `damaged_source`
 */
export function inflated(bytes: Uint8Array): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    const allowed = `${MAX_INFLATED_BYTES} bytes`;
    throw isTooLarge
      ? new Problem('source_too_large', `The original inflates to more than ${allowed}.`, { allowed }, error)
      : new Problem('damaged_source', 'The original is compressed and cannot be inflated whole.', {}, error);
  }
}
