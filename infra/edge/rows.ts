// [edge-safe] The table of parameters as text; pack.ts writes it.
import type { RuleIndex } from '../../server/core/query/canonical.ts';
import type { Grammar, Rule } from '../../server/core/query/rule.ts';

/**
 * `int 1 8192 1`; an enum's words are `a b=c=d`, where each spelling means the last one; `list r/dec 0 1/dec 0 1` has its
 * lead behind its kind. Numbers stay text: they are only compared.
 */
function readGrammar(text: string): Grammar {
  const isList = text.indexOf('list') === 0;
  const parts = text.split(isList ? '/' : ' ');
  const kind = parts[0] as string;
  const rest = parts.slice(1);
  if (isList) return ['list', rest.map(readGrammar), kind.slice(5)];
  if (kind !== 'enum') return parts as unknown as Grammar;
  const spellings: Record<string, string> = {};
  rest.forEach((word) => {
    const names = word.split('=');
    names.forEach((name) => {
      spellings['$' + name] = names[names.length - 1] as string;
    });
  });
  return ['enum', spellings];
}

const listed = (field: string | undefined) => (field ? field.split(',') : undefined);

/**
 * `key alias alias;grammar|grammar;fallback;mark;idle;needs;never`: conditions joined by commas, the mark is `u` of url
 * or `s` of scaled.
 */
function readRow(fields: readonly string[], key: string): Rule {
  const rule: unknown = {
    key: key,
    grammar: (fields[1] as string).split('|').map(readGrammar),
    fallback: fields[2] || undefined,
    url: fields[3] === 'u',
    scaled: fields[3] === 's',
    idle: listed(fields[4]),
    needs: listed(fields[5]),
    never: listed(fields[6]),
  };
  return rule as Rule;
}

/**
 * The rules of the named parameters in the order of the rows, under each name that was asked for and under their key.
 * CloudFront runs the whole file for every request, and reading all rows would take longer than all the rest.
 *
 * @param rows  joined by `~`
 */
export function rulesOf(rows: string, asked: readonly string[]): RuleIndex {
  const byName: Record<string, Rule> = {};
  const rules: Rule[] = [];
  rows.split('~').forEach((row) => {
    const names = row.slice(0, row.indexOf(';')).split(' ');
    const used = names.filter((name) => asked.indexOf(name) >= 0);
    if (!used[0]) return;
    const key = names[0] as string;
    const rule = readRow(row.split(';'), key);
    rules.push(rule);
    used.concat(key).forEach((name) => {
      byName['$' + name] = rule;
    });
  });
  return { byName: byName, rules: rules };
}
