import { hash, randomBytes } from 'node:crypto';

/** Crockford's Base32 in lower case: no i, l, o, u, and its order is that of the values. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/**
 * A new name, 26 characters: sorts by time to the millisecond, is safe in a URL and on any file system, and
 * nobody guesses another one (80 random bits).
 *
 * @param now  unix ms
 * @see https://github.com/ulid/spec
 */
export function newUlid(now: number): string {
  let time = '';
  for (let rest = now, index = 0; index < TIME_DIGITS; index++, rest = Math.floor(rest / 32)) {
    time = (DIGITS[rest % 32] ?? '') + time;
  }
  const random = [...randomBytes(RANDOM_DIGITS)].map((byte) => DIGITS[byte % 32]).join('');
  return time + random;
}

/**
 * A name made of another one, the same each time: for the things that one request makes.
 *
 * @param index  0 is the seed itself
 */
export function ulidAfter(seed: string, index: number): string {
  if (index === 0) return seed;
  const bytes = hash('sha256', `${seed} ${index}`, 'buffer').subarray(0, RANDOM_DIGITS);
  return seed.slice(0, TIME_DIGITS) + [...bytes].map((byte) => DIGITS[byte % 32]).join('');
}
