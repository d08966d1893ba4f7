import { OPERATIONS } from '../server/core/operations/index.ts';
import type { Operation } from '../server/core/operations/operation.ts';
import { allowedText, otherSpellings, ROWS, type Row } from '../server/core/operations/table.ts';
import { code, plain, table } from './markdown.ts';
import { sampleId, shownOf } from './samples.ts';

/** Where the examples lead once `npm start` runs. */
const EXAMPLES = 'http://localhost:8080/img/';

/** `text of the form <pattern>`: the pattern as code. */
function valuesText(row: Row): string {
  if (row.key === 'p') return 'a name of PRESETS';
  if (row.key === 'wm' || row.key === 'wm2') return 'a name of WATERMARKS';
  const kinds = new Set(row.param.rule.grammar.map(([kind]) => kind));
  if (/^wm2?x$/.test(row.key)) return 'base64url';
  const text = allowedText({ key: row.key, ...row.param.rule });
  if (kinds.has('enum')) return code(text);
  const [before = '', pattern] = text.split('of the form ');
  return pattern === undefined ? plain(text) : `${plain(before)}of the form ${code(pattern)}`;
}

function parameterRow(row: Row): string[] {
  const { rule, doc, unset } = row.param;
  const aliases = rule.aliases?.length ? ` (${rule.aliases.join(', ')})` : '';
  return [`${code(row.key)}${aliases}`, valuesText(row), unset ?? rule.fallback ?? '-', plain(doc)];
}

/** The example as a link, and what it gives; an operation that changes no pixel has none. */
function exampleText(operation: Operation): string[] {
  return shownOf(operation).flatMap(({ name, query }) => {
    const needs = query.includes('wm=') ? ' (once that mark is registered)' : '';
    const link = `[${code(query)}](${EXAMPLES}${sampleId(operation.name)}?${query})${needs}`;
    // A link without a signature would lead to a refusal.
    const text = query.includes('x=') ? `${code(query)} of ${TEMPLATE}, signed` : link;
    return [text, `![${name}](samples/${name}.webp)`];
  });
}

const TEMPLATE = '[price-tag.svg](price-tag.svg)';

function operationText(operation: Operation): string {
  const rows = ROWS.filter((row) => row.operation.name === operation.name).map(parameterRow);
  return [
    `## ${operation.name}`,
    plain(operation.summary),
    ...exampleText(operation),
    table(['parameter (aliases)', 'values', 'default', 'what it does'], rows),
  ].join('\n\n');
}

/** Every operation with its parameters, in the order in which the picture goes through them. */
export const parameters = (): string => OPERATIONS.map(operationText).join('\n\n');

export function spellings(): string {
  const rows = ROWS.flatMap(({ key, param }) => {
    const others = otherSpellings({ key, ...param.rule });
    const shown = others.map(([spelling, value]) => `${code(spelling)} = ${code(value)}`);
    return shown.length ? [[code(key), shown.join(', ')]] : [];
  });
  return table(['parameter', 'other spellings'], rows);
}

export function order(): string {
  const steps = OPERATIONS.filter(({ name }) => name !== 'placeholder' && name !== 'delivery');
  return `${steps.map(({ name }) => `[${name}](#${name})`).join(' → ')}.`;
}
