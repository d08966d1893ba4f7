import { BUCKET_KEYS, UNSERVABLE_KEYS } from '../../../test/support/keys.ts';
import type { Draw } from './queries.ts';

const RANGES: readonly (readonly [from: number, to: number])[] = [
  [0x20, 0x7e],
  [0x61, 0x7a],
  [0xa0, 0x17f],
  [0x300, 0x36f],
  [0x3040, 0x30ff],
  [0x1f300, 0x1f5ff],
];
const BROKEN = ['%', '%F', '%ff', '%C0%AF', '%ED%A0%80', '%E5%86', '%zz', '%80'];

function randomKey(draw: Draw): string {
  if (draw.random() < 0.2) return draw.pick(BUCKET_KEYS);
  if (draw.random() < 0.1) return draw.pick(UNSERVABLE_KEYS)[0];
  const points = Array.from({ length: draw.between(1, 14) }, () => {
    const [from, to] = draw.pick(RANGES);
    return draw.random() < 0.1 ? 0x2f : draw.between(from, to);
  });
  return String.fromCodePoint(...points);
}

/** A character as one of the ways in which clients write it. */
function spelled(draw: Draw, char: string): string {
  const kind = draw.random();
  if (char === '/') return kind < 0.8 ? '/' : draw.pick(['%2F', '%2f']);
  if (kind < 0.2) {
    const bytes = [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    return draw.random() < 0.5 ? bytes : bytes.toUpperCase();
  }
  // `=` stays as it is now and then: what it marks is what this is about.
  return /[=+@:,;$&!'()*]/.test(char) && kind < 0.6 ? char : encodeURIComponent(char);
}

/** A path behind `/img/`: an id in any spelling, or what is none; a form behind it, or not. */
export function randomPath(draw: Draw): string {
  const path = Array.from(randomKey(draw), (char) => spelled(draw, char)).join('');
  const broken = draw.random() < 0.1 ? draw.pick(BROKEN) : '';
  const form = draw.pick(['', '', '/w=7', '/fmt=webp&w=9', '%2Fw=7', '/w=', '/=']);
  return path + broken + form;
}
