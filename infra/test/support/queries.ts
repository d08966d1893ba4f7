import { deciders } from '../../../server/core/operations/table.ts';
import type { Grammar, Rule } from '../../../server/core/query/rule.ts';
import { seeded } from '../../../test/support/seeded.ts';

const JUNK = [
  '',
  '0',
  '1',
  '-1',
  '01',
  '1e3',
  '+5',
  '0x10',
  'NaN',
  '1.0005',
  '99999',
  'null',
  '__proto__',
  'ä',
  '%',
  'a b',
];
const TRACKERS = [
  ...['utm_source=x', 'fbclid=1', '_=2', 'gclid', 'UTM_x=1', 'gbraid=1', 'wbraid', 'msclkid=x', 'srsltid=y'],
  ...['ttclid=1', 'igshid=1', 'mc_eid=1', 'ref_src=x', 'braid=1', 'xclid=1'],
];
const COLORS = [
  '#f00',
  '#FF000080',
  '#teal',
  'f00',
  'FF0000',
  'ff000080',
  'abcd',
  'teal',
  'RebeccaPurple',
  'transparent',
  'nocolour',
  'ggg',
  'beige',
];

export interface Draw {
  random: () => number;
  pick<T>(from: readonly T[]): T;
  between(min: number, max: number): number;
}

export function drawing(seed: number): Draw {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => {
    const one = from[Math.floor(random() * from.length)];
    if (one === undefined) throw new Error('Nothing to pick from');
    return one;
  };
  return { random, pick, between: (min, max) => min + Math.floor(random() * (max - min + 1)) };
}

function number(draw: Draw, min: number, max: number, places: number): string {
  const edge = draw.random();
  if (edge < 0.1) return String(edge < 0.05 ? min : max);
  if (edge < 0.15) return String(edge < 0.125 ? min - 1 : max + 1);
  const top = Math.min(max, min + 10 ** draw.between(0, 4));
  return (min + draw.random() * (top - min)).toFixed(places);
}

/** A value of the grammar; at times on its edge or just beyond it. */
function value(draw: Draw, grammar: Grammar): string {
  switch (grammar[0]) {
    case 'int':
      return number(draw, grammar[1], grammar[2], 0);
    case 'dec':
      return number(draw, grammar[1], grammar[2], draw.between(0, 4));
    case 'density':
      return number(draw, grammar[1], grammar[2], draw.between(0, 17));
    case 'steps':
      return number(draw, Number(grammar[1]), Number(grammar.at(-1)), 0);
    case 'enum':
      return draw.pick(Object.keys(grammar[1])).slice(1);
    case 'flag':
      return draw.pick(['1', '0', 'true', 'FALSE', '', '2']);
    case 'color':
      return draw.pick(COLORS);
    case 'ratio':
      return draw.pick(['16:9', '4x3', '1.5', '2.35:1', '12.345:123.457', '1000:1', '0.001', '32:18', '0:1']);
    case 'sides':
      return draw.pick(['5', '1,2,3,4', '7,7,7,7', '1,2', String(grammar[1] + 1)]);
    case 'list': {
      const items = grammar[1].map((item) => value(draw, item));
      return [...(grammar[2] ? [grammar[2]] : []), ...items].join();
    }
    case 'bytes':
      return draw.pick(['300k', '2M', '999', '1000', '20M', '50000']);
    case 'text':
      return draw.pick([
        'card',
        'thumb',
        'wide',
        'teal',
        'nosuch',
        'Grüße.jpg',
        'a/b',
        'x'.repeat(43),
        '-',
        'YQ',
        'YWJj',
      ]);
  }
}

const escapes: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text,
  encodeURIComponent,
  (text) => text.replace(/[a-c]/g, (char) => `%${char.charCodeAt(0).toString(16)}`),
  (text) => text.toUpperCase(),
];

function pair(draw: Draw, rules: readonly Rule[]): string {
  const kind = draw.random();
  if (kind < 0.03) return draw.pick(TRACKERS);
  if (kind < 0.05)
    return draw.pick(['colour=red', '__proto__=1', 'constructor=1', 'W=1', '=1', '%zz=1', 'toString']);
  const rule = draw.pick(rules);
  const key = draw.random() < 0.15 ? draw.pick([rule.key, ...(rule.aliases ?? [])]) : rule.key;
  const text = draw.random() < 0.06 ? draw.pick(JUNK) : value(draw, draw.pick(rule.grammar));
  return draw.random() < 0.02 ? key : `${key}=${draw.pick(escapes)(text)}`;
}

/** A query as a page, a person or an attacker would write it. */
export function randomQuery(draw: Draw, rules: readonly Rule[]): string {
  // Few parameters stand in most queries: with many, nearly all would contradict each other.
  const common = rules.filter(({ key }) =>
    ['w', 'h', 'fit', 'q', 'fmt', 'g', 'dpr', 'p', 'bg', 'blur'].includes(key),
  );
  const pairs = Array.from({ length: draw.between(0, 6) }, () =>
    pair(draw, draw.random() < 0.5 ? common : rules),
  );
  const separator = draw.random() < 0.05 ? draw.pick(['&amp;', '&amp;amp;', '&AMP%3B', '&&', '&amp']) : '&';
  const query = pairs.join(separator);
  return draw.random() < 0.003 ? `${query}&dl=${'x'.repeat(1100)}` : query;
}

const escapeFirst = (text: string): string =>
  text && `%${text.charCodeAt(0).toString(16).padStart(2, '0')}${text.slice(1)}`;
const shuffled = <T>(draw: Draw, items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, place: draw.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);

/** A parameter among those that decide whether it has an effect, and those that decide about them, beside some others. */
export function chainQuery(draw: Draw, rules: readonly Rule[]): string {
  const named = (keys: readonly string[]) => rules.filter(({ key }) => keys.includes(key));
  const rule = draw.pick(rules);
  const near = named(deciders(rule));
  const chain = [...near, ...named(near.flatMap(deciders))].filter(() => draw.random() < 0.6);
  const others = Array.from({ length: draw.between(0, 6) }, () => draw.pick(rules));
  return shuffled(draw, [...new Set([rule, ...chain, ...others])])
    .map(({ key, aliases = [], grammar }) => {
      const name = draw.pick([key, ...aliases]);
      const text = value(draw, draw.pick(grammar));
      return `${draw.pick([name, name, escapeFirst(name)])}=${draw.pick([...escapes, escapeFirst])(text)}`;
    })
    .join('&');
}
