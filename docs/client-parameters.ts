import { readFileSync, writeFileSync } from 'node:fs';
import { allowedText, ROWS, type Row } from '../server/core/operations/table.ts';
import type { Grammar } from '../server/core/query/rule.ts';

const FILE = new URL('../client/parameters.ts', import.meta.url);

/** Belong to a signature, which `sign()` writes. */
const SIGNING = ['sig', 'kid', 'exp'];

function typeOf(grammar: Grammar): string {
  switch (grammar[0]) {
    case 'int':
    case 'dec':
    case 'density':
    case 'steps':
      return 'number';
    case 'enum':
      return Object.keys(grammar[1])
        .map((spelling) => spelling.slice(1))
        .flatMap((text) => (/^\d+$/.test(text) ? [`'${text}'`, text] : [`'${text}'`]))
        .join(' | ');
    case 'flag':
      return 'boolean | 0 | 1';
    case 'sides':
      return `number | readonly [${'number, '.repeat(3)}number]`;
    case 'list':
      return 'string | readonly (string | number)[]';
    case 'bytes':
      return 'number | string';
    case 'ratio':
      return 'number | string';
    default:
      return 'string';
  }
}

function memberOf({ key, param }: Row): string {
  const doc = `${param.doc} Allowed: ${allowedText({ key, ...param.rule })}.`.replaceAll('*/', '* /');
  const types = [...new Set(param.rule.grammar.flatMap((grammar) => typeOf(grammar).split(' | ')))];
  return `  /** ${doc} */\n  readonly ${key}?: ${[...types, 'undefined'].join(' | ')};`;
}

function text(): string {
  const rows = ROWS.filter(({ key }) => !SIGNING.includes(key));
  const aliases = ROWS.flatMap(({ key, param }) => (param.rule.aliases ?? []).map((alias) => [alias, key]));
  return [
    '// Generated from the table of operations by `npm run docs`.',
    '',
    '/** What can be asked of a picture. Px are CSS px, multiplied by `dpr`. */',
    'export interface Params {',
    ...rows.map(memberOf),
    '}',
    '',
    '/** Other names of parameters. */',
    'export const ALIASES: Readonly<Record<string, string>> = {',
    ...aliases.map(([alias = '', key]) => `  ${/^\w+$/.test(alias) ? alias : `'${alias}'`}: '${key}',`),
    '};',
    '',
  ].join('\n');
}

/** Writes the types of the client where they are not those of the table; with `check` only tells. */
export function clientParameters(check: boolean): string[] {
  const wanted = text();
  let found = '';
  try {
    found = readFileSync(FILE, 'utf8');
  } catch {
    // The first time.
  }
  if (found === wanted) return [];
  if (!check) writeFileSync(FILE, wanted);
  return ['client/parameters.ts'];
}
