// [edge-safe] The table of parameters, of which a request needs a few rows.
import type { RuleIndex } from '../../server/core/query/canonical.ts';
import type { Rule } from '../../server/core/query/rule.ts';
import { expand } from './expand.ts';

/**
 * `names` is `key alias alias,key,…` in the order of `rows`. A row is a rule without its names, as JSON with ' for "
 * and the short names of build.ts, squeezed. Rows and phrases are separated by `~`.
 */
export type PackedTable = readonly [marks: string, phrases: string, names: string, rows: string];

/** Enums are written `a b=a`: every word by its spelling. */
function readRule(key: string, text: string): Rule {
  const rule = JSON.parse(text.split("'").join('"')) as { key: string; grammar: [string, unknown][] };
  rule.key = key;
  rule.grammar.forEach((grammar) => {
    if (grammar[0] !== 'enum') return;
    const spellings: Record<string, string | undefined> = {};
    (grammar[1] as string).split(' ').forEach((word) => {
      const pair = word.split('=');
      spellings['$' + pair[0]] = pair[1] || pair[0];
    });
    grammar[1] = spellings;
  });
  return rule as unknown as Rule;
}

/**
 * The rules of the named parameters, under each name that was asked for and under their key. CloudFront runs the
 * whole file for every request, and unpacking all rows would take longer than all the rest.
 */
export function rulesOf(table: PackedTable, asked: readonly string[]): RuleIndex {
  const index: Record<string, Rule> = {};
  const flat = ',' + table[2].split(' ').join() + ',';
  const names = table[2].split(',');
  const rows = table[3].split('~');
  const phrases = table[1].split('~');
  asked.forEach((name) => {
    const at = flat.indexOf(',' + name + ',');
    if (at < 0 || !/^[\w-]+$/.test(name)) return;
    const row = table[2].slice(0, at).split(',').length - 1;
    const key = (names[row] as string).split(' ')[0] as string;
    if (!index['$' + key]) {
      index['$' + key] = readRule(key, expand([table[0], phrases], rows[row] as string));
    }
    index['$' + name] = index['$' + key] as Rule;
  });
  return index;
}
