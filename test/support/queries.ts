import fc from 'fast-check';
import { RULES } from '../../server/core/operations/table.ts';
import type { Grammar, Rule } from '../../server/core/query/rule.ts';

/** Raw text that a grammar takes, at dpr 1. */
function textOf(grammar: Grammar): fc.Arbitrary<string> {
  switch (grammar[0]) {
    case 'int':
      return fc.integer({ min: grammar[1], max: Math.min(grammar[2], 9000) }).map(String);
    case 'dec': {
      const [min, max] = [Math.ceil(grammar[1] * 1000), Math.floor(grammar[2] * 1000)];
      return fc.integer({ min, max }).map((thousandths) => String(thousandths / 1000));
    }
    case 'density':
      return fc.constantFrom('0.5', '1', '1.1', '1.100000023841858', '2', '2.625', '3', '5');
    case 'steps':
      return fc.integer({ min: Number(grammar[1]), max: Number(grammar.at(-1)) }).map(String);
    case 'enum':
      return fc.constantFrom(...Object.keys(grammar[1]).map((spelling) => spelling.slice(1)));
    case 'flag':
      return fc.constantFrom('', '1', 'true', 'TRUE', '0', 'false');
    case 'color':
      return fc.constantFrom(
        'f00',
        'ABCDEF',
        'navy',
        'RebeccaPurple',
        ...(grammar[1] ? [] : ['1234', '01020304', 'transparent']),
      );
    case 'ratio':
      return fc.constantFrom('16:9', '2.35:1', '1.5', '4x3', '1', '0.01', '100');
    case 'sides':
      return fc.oneof(
        fc.integer({ min: 0, max: grammar[1] }).map(String),
        fc
          .array(fc.integer({ min: 0, max: grammar[1] }), { minLength: 4, maxLength: 4 })
          .map((sides) => sides.join(',')),
      );
    case 'list':
      return fc
        .tuple(...grammar[1].map(textOf))
        .map((items) => [...(grammar[2] ? [grammar[2]] : []), ...items].join(','));
    case 'bytes':
      return fc.constantFrom('1000', '90k', '2M', '10m');
    case 'text':
      return grammar[1].includes('{4}')
        ? fc.constantFrom('YQ', 'YWI', 'YWJj')
        : fc.constantFrom('a', 'Logo_2', 'x-y');
  }
}

/** Rules of the picture itself: no preset and nothing of the URL alone. */
export const PICTURE_RULES = RULES.filter(({ key, url }) => !url && key !== 'p');

export type Given = readonly [rule: Rule, text: string];

/** A handful of parameters with values that each is taken alone; together they may contradict. */
export const given: fc.Arbitrary<readonly Given[]> = fc
  .subarray(PICTURE_RULES, { minLength: 0, maxLength: 7 })
  .chain((rules) =>
    fc.tuple(
      ...rules.map((rule) => fc.oneof(...rule.grammar.map(textOf)).map((text): Given => [rule, text])),
    ),
  );

export const queryOf = (pairs: readonly Given[]): string =>
  pairs.map(([{ key }, text]) => `${key}=${encodeURIComponent(text)}`).join('&');

/** The same parameters said in another way: order, aliases, escapes, letter case, tracking keys, defaults aloud. */
export const respelled = (pairs: readonly Given[]): fc.Arbitrary<string> => {
  const silent = PICTURE_RULES.filter(
    (rule) =>
      rule.fallback !== undefined &&
      rule.key !== 'dpr' &&
      !rule.scaled &&
      !pairs.some(([{ key }]) => key === rule.key),
  );
  const named = ([{ key, aliases = [], grammar }, text]: Given) =>
    fc.tuple(fc.constantFrom(key, ...aliases), fc.boolean()).map(([name, loud]) => {
      const caseless = grammar.every(([kind]) => kind === 'enum' || kind === 'color' || kind === 'flag');
      const value = loud && caseless ? text.toUpperCase() : text;
      return `${name}=${loud ? escapeAll(value) : encodeURIComponent(value)}`;
    });
  const aloud = fc
    .subarray(silent, { maxLength: 3 })
    .map((rules) => rules.map(({ key, fallback }) => `${key}=${fallback}`));
  const noise = fc.subarray(['utm_source=a', 'fbclid=b', 'gclid=', '_=1', '']);
  return fc.tuple(fc.tuple(...pairs.map(named)), aloud, noise).chain(([own, defaults, extra]) => {
    const parts = [...own, ...defaults, ...extra];
    return fc.shuffledSubarray(parts, { minLength: parts.length }).map((all) => all.join('&'));
  });
};

const escapeAll = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
