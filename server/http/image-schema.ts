import type { FastifySchema } from 'fastify';
import { allowedText, ROWS } from '../core/operations/table.ts';
import type { Grammar, Presets, Rule } from '../core/query/rule.ts';

const WHOLE = '-?(?:0|[1-9][0-9]{0,9})';
const DECIMAL = '-?(?:0|[1-9][0-9]{0,5})(?:\\.[0-9]{1,3})?';

/** Form of a text that a grammar reads, without its bounds, in the dialect that every language's expressions share. */
function formOf(grammar: Grammar): string {
  switch (grammar[0]) {
    case 'int':
      return WHOLE;
    case 'dec':
      return DECIMAL;
    case 'ratio':
      return `${DECIMAL}(?:[:x]${DECIMAL})?`;
    case 'color':
      return '#?[0-9a-fA-F]{3,8}|[a-zA-Z]+';
    case 'bytes':
      return '[0-9]{1,8}[kmKM]?';
    case 'sides':
      return `${WHOLE}(?:,${WHOLE}){3}|${WHOLE}`;
    case 'list': {
      const [, items, lead] = grammar;
      return [...(lead ? [lead] : []), ...items.map((item) => `(?:${formOf(item)})`)].join(',');
    }
    case 'text':
      return grammar[1];
    default:
      return '.+';
  }
}

function grammarSchema(grammar: Grammar): Record<string, unknown> {
  switch (grammar[0]) {
    case 'int':
      return { type: 'integer', minimum: grammar[1], maximum: grammar[2] };
    case 'dec':
    case 'density':
      return { type: 'number', minimum: grammar[1], maximum: grammar[2] };
    case 'steps':
      return { type: 'integer', minimum: Number(grammar[1]), maximum: Number(grammar.at(-1)) };
    case 'enum':
      return { type: 'string', enum: Object.keys(grammar[1]).map((spelling) => spelling.slice(1)) };
    case 'flag':
      return { type: 'string', enum: ['', '1', '0', 'true', 'false'] };
    default:
      return { type: 'string', pattern: `^(?:${formOf(grammar)})$` };
  }
}

/** In the type that the schema names. One that no spelling gives, such as 0 for off, is left out: pages send defaults. */
function defaultOf({ fallback, grammar }: Rule): { default?: string | number } {
  if (fallback === undefined) return {};
  const ranges = grammar.flatMap((entry) =>
    entry[0] === 'int' || entry[0] === 'dec' || entry[0] === 'density' ? [entry] : [],
  );
  const value = Number(fallback);
  if (ranges.some(([, min, max]) => value >= min && value <= max)) return { default: value };
  return ranges.length < grammar.length ? { default: fallback } : {};
}

/** JSON Schema of a parameter, for the OpenAPI document; the parser of core is what decides. */
export function parameterSchema(rule: Rule, doc: string, presets: Presets): Record<string, unknown> {
  const description = `${doc} Allowed: ${allowedText(rule)}.${rule.aliases ? ` Also: ${rule.aliases.join(', ')}.` : ''}`;
  if (rule.key === 'p')
    return { type: 'string', enum: Object.keys(presets).map((name) => name.slice(1)), description };
  const forms = [
    ...new Map(rule.grammar.map(grammarSchema).map((form) => [JSON.stringify(form), form])).values(),
  ];
  const form = forms.length === 1 ? forms[0] : { anyOf: forms };
  return { ...form, ...defaultOf(rule), description };
}

const PROBLEM = {
  description: 'What was wrong, and what is accepted (RFC 9457).',
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
} as const;

/** Responses that every call may give. */
export const PROBLEMS = { '4xx': PROBLEM, '5xx': PROBLEM } as const;

/** Documents `GET /img/{id}`; derived from the parameter table. */
export function imageSchema(presets: Presets): FastifySchema {
  const properties = Object.fromEntries(
    ROWS.map(({ key, param }) => [key, parameterSchema({ key, ...param.rule }, param.doc, presets)]),
  );
  return {
    tags: ['images'],
    summary: 'A variant of an image: from memory, from its bucket, or by one render.',
    params: { type: 'object', properties: { '*': { type: 'string', description: 'Id of the image.' } } },
    querystring: { type: 'object', properties },
    response: {
      200: {
        description: 'The picture; headers say its tier, size and timing. A placeholder is text.',
        content: {
          'image/*': { schema: { type: 'string', format: 'binary' } },
          'text/plain': { schema: { type: 'string' } },
        },
      },
      304: { description: 'The client has it.', type: 'null' },
      ...PROBLEMS,
    },
  };
}
