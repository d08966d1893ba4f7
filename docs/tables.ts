import { SETTINGS } from '../server/config/settings.ts';
import { OPERATIONS } from '../server/core/operations/index.ts';
import type { Operation } from '../server/core/operations/operation.ts';
import { allowedText, otherSpellings, ROWS, type Row } from '../server/core/operations/table.ts';
import { FORMAT_TABLE } from '../server/core/plan/formats.ts';
import { codecQuality } from '../server/core/plan/quality.ts';
import { PROBLEMS, type ProblemCode, problemCacheControl } from '../server/shared/errors.ts';
import { calls } from './calls.ts';

/** Where the examples lead once `npm start` runs. */
export const EXAMPLE_IMAGE = 'http://localhost:8080/img/samples/ladybug.jpg';

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;
/** Text that Markdown would otherwise read. */
const plain = (text: string): string => text.replace(/[|<*_[\]\\]/g, (sign) => `\\${sign}`);

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** `text of the form <pattern>`: the pattern as code. */
function valuesText(row: Row): string {
  if (row.key === 'p') return 'a name of PRESETS';
  if (row.key === 'wm') return 'a name of WATERMARKS';
  const kinds = new Set(row.param.rule.grammar.map(([kind]) => kind));
  const text = allowedText({ key: row.key, ...row.param.rule });
  if (kinds.has('enum')) return code(text);
  const [before = '', pattern] = text.split('of the form ');
  return pattern === undefined ? plain(text) : `${plain(before)}of the form ${code(pattern)}`;
}

function parameterRow(row: Row): string[] {
  const { rule, doc, unset } = row.param;
  const aliases = rule.aliases?.length ? ` (${rule.aliases.join(', ')})` : '';
  const fallback = unset ?? rule.fallback;
  return [`${code(row.key)}${aliases}`, valuesText(row), fallback ?? '-', plain(doc)];
}

function operationRow({ name, summary, example }: Operation): string[] {
  const needs = example?.includes('wm=') ? ' (once that mark is registered)' : '';
  const link = example ? ` [${code(example)}](${EXAMPLE_IMAGE}?${example})${needs}` : '';
  return [`**${name}**`, '', '', `**${plain(summary)}**${link}`];
}

function parameters(): string {
  const rows = OPERATIONS.flatMap((operation: Operation) => [
    operationRow(operation),
    ...ROWS.filter((row) => row.operation.name === operation.name).map(parameterRow),
  ]);
  return table(['parameter (aliases)', 'values', 'default', 'what it does'], rows);
}

function spellings(): string {
  const rows = ROWS.flatMap(({ key, param }) => {
    const others = otherSpellings({ key, ...param.rule });
    const shown = others.map(([spelling, value]) => `${code(spelling)} = ${code(value)}`);
    return shown.length ? [[code(key), shown.join(', ')]] : [];
  });
  return table(['parameter', 'other spellings'], rows);
}

function order(): string {
  const steps = OPERATIONS.filter(({ name }) => name !== 'placeholder' && name !== 'delivery');
  return `${steps.map(({ name }) => name).join(' → ')}.`;
}

/** Depends on the machine that writes this. */
const PER_CORE = new Set(['RENDER_SLOTS', 'WARM_SLOTS']);

function settings(): string {
  const rows = Object.values(SETTINGS).map(({ variable, parser, fallback, doc }) => {
    const shown = fallback === undefined ? '-' : fallback === '' ? 'empty' : code(fallback);
    return [
      `<a id="${variable.toLowerCase()}"></a>${code(variable)}`,
      plain(parser.expected),
      PER_CORE.has(variable) ? 'one per core' : shown,
      plain(doc),
    ];
  });
  return table(['variable', 'value', 'default', 'what it does'], rows);
}

function errors(): string {
  const codes = Object.keys(PROBLEMS).filter((key): key is ProblemCode => key in PROBLEMS);
  const rows = codes.map((key) => {
    const [status, title] = PROBLEMS[key];
    return [String(status), code(key), title, problemCacheControl(key)];
  });
  return table(['status', 'code', 'title', 'Cache-Control'], rows);
}

async function managementCalls(): Promise<string> {
  const found = (await calls()).filter(({ path }) => path.startsWith('/api/'));
  const rows = found.map(({ method, path, summary }) => [
    code(`${method.toUpperCase()} ${path}`),
    plain(summary),
  ]);
  return table(['call', 'does'], rows);
}

function prices(): string {
  const rows = Object.entries(FORMAT_TABLE).map(([format, { cost, memory }]) => [
    format,
    ...[cost.fast, cost.live, cost.warm, memory].map(String),
  ]);
  return table(
    ['format', '`effort=fast`', '`std`, request', '`std`, warmer; `small`', 'bytes of memory per pixel'],
    rows,
  );
}

const SHOWN_QUALITIES = [30, 50, 65, 75, 85, 95];

function qualities(): string {
  const rows = SHOWN_QUALITIES.map((q) => [
    String(q),
    ...(['jpeg', 'webp', 'avif'] as const).map((format) => String(codecQuality(format, q))),
  ]);
  return table(['`q`', 'JPEG', 'WebP', 'AVIF'], rows);
}

/** Makes the text of a section, by its name. */
export type Sections = Readonly<Record<string, () => string | Promise<string>>>;

/** What is generated, by file and section. */
export const SECTIONS: Readonly<Record<string, Sections>> = {
  'README.md': { calls: managementCalls, parameters, spellings, order, settings, errors },
  'docs/performance.md': { prices },
  'docs/quality.md': { qualities },
};
