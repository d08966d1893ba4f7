import type { Transformation } from '../operations/index.ts';
import { ROWS } from '../operations/table.ts';
import type { Source } from '../original/source.ts';
import type { Format } from './formats.ts';

/** What the table refuses beside a format. */
const CONTRADICTIONS = ROWS.flatMap(({ key, param }) =>
  (param.rule.never ?? []).map((condition) => ({ key, words: condition.split(' ') })),
).filter(({ words }) => words.some((word) => word.startsWith('fmt=')));

/**
 * What was asked for and a format that the picture decided (`fmt=source`, `auto`) cannot do; the table refuses it where
 * the URL names the format.
 */
export function fitting(
  values: Transformation,
  format: Format,
  { hdr }: Pick<Source, 'hdr'>,
): { values: Transformation; dropped: string[] } {
  const left: Record<string, unknown> = { ...values };
  const holds = (word: string): boolean => {
    const [key = '', text] = word.split('=');
    return left[key] !== undefined && (text === undefined || String(left[key]) === text);
  };
  const keys = CONTRADICTIONS.filter(({ words }) =>
    words.every((word) => word === `fmt=${format}` || (!word.startsWith('fmt=') && holds(word))),
  ).map(({ key }) => key);
  // A table that brings 10 bits of light down is none for a file of 8 bits that others are to read.
  if (hdr && values.icc === 'keep') keys.push('icc');
  for (const key of keys) delete left[key];
  return { values: left, dropped: keys.map((key) => (key === 'icc' ? 'icc-srgb' : `${key}-ignored`)) };
}
