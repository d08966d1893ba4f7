import { createHash } from 'node:crypto';
import { RULES } from '../../server/core/operations/table.ts';
import type { Grammar, Rule } from '../../server/core/query/rule.ts';
import { piecesOf } from './pieces.ts';
import { rulesOf } from './rows.ts';

/** What pages write most. The other rows wait in the KeyValueStore: all of them would fill a quarter of the function. */
const COMMON = ['w', 'h', 'ar', 'fit', 'g', 'dpr', 'up', 'q', 'fmt', 'p', 'dl', 'v', 'exp', 'kid', 'sig'];

function packGrammar(grammar: Grammar): string {
  if (grammar[0] === 'list') {
    const [kind, items, lead] = grammar;
    return [lead ? `${kind} ${lead}` : kind, ...items.map(packGrammar)].join('/');
  }
  if (grammar[0] !== 'enum') return grammar.join(' ');
  const spellings = Object.groupBy(Object.entries(grammar[1]), ([, value]) => value);
  const words = Object.entries(spellings).map(([value, entries = []]) =>
    [...entries.map(([spelling]) => spelling.slice(1)).filter((name) => name !== value), value].join('='),
  );
  return ['enum', ...words].join(' ');
}

/** @throws  when the row does not say what the rule does: a text of it has a separator, or the rule a member that is new */
function packRow(rule: Rule): string {
  const { key, aliases = [], grammar, fallback = '', idle = [], needs = [], never = [], url, scaled } = rule;
  const mark = url ? 'u' : scaled ? 's' : '';
  const lists = [idle, needs, never].map((conditions) => conditions.join());
  const fields = [[key, ...aliases].join(' '), grammar.map(packGrammar).join('|'), fallback, mark, ...lists];
  const row = fields.join(';').replace(/;+$/, '');
  if (plain(rulesOf(row, [key]).rules[0]) !== plain({ ...rule, aliases: undefined })) {
    throw new Error(`The edge would not read the rule ${key} as it is: ${row}`);
  }
  return row;
}

/** Members that are absent, empty or false are the same, and a number is its text. */
const plain = (rule: unknown): string =>
  JSON.stringify(sorted(rule), (_key, value) => (typeof value === 'number' ? String(value) : value));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted).filter((item) => item !== undefined && item !== '');
    return items.length ? items : undefined;
  }
  if (typeof value === 'boolean') return value ? '1' : undefined;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The rows that the function brings along. */
export const commonRows = (): string =>
  RULES.filter(({ key }) => COMMON.includes(key))
    .map(packRow)
    .join('~');

/**
 * The whole table for the KeyValueStore, by key.
 *
 * The keys say which table it is. Function and store are not updated in one moment, and rows of another release would
 * make keys that are not the server's; where rows are not there, the query passes on to the server.
 */
export function rulePieces(): { readonly name: string; readonly pieces: readonly string[] } {
  const rows = RULES.map(packRow).join('~');
  const name = `rules-${createHash('sha256').update(rows).digest('hex').slice(0, 8)}`;
  return { name, pieces: piecesOf(rows) };
}
