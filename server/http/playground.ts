import { readdir, readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { OPERATIONS } from '../core/operations/index.ts';
import type { Param } from '../core/operations/operation.ts';
import { allowedText, ROWS } from '../core/operations/table.ts';
import type { Grammar, Presets } from '../core/query/rule.ts';

const ASSETS = new URL('./playground/', import.meta.url);
const SAMPLES = new URL('../../samples/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'form.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'form.js': 'text/javascript; charset=utf-8',
  'views.js': 'text/javascript; charset=utf-8',
};

/** Nothing but our own files, and pictures that the page itself has fetched. */
const HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** What the form shows for a parameter; `text` where a grammar is more than one plain control. */
type Control =
  | { kind: 'number'; min: number; max: number; step: number }
  | { kind: 'choice'; values: readonly string[] }
  | { kind: 'flag' | 'color' | 'text' };

function control(grammars: readonly Grammar[]): Control {
  const [grammar, ...more] = grammars;
  if (!grammar || more.length) return { kind: 'text' };
  switch (grammar[0]) {
    case 'int':
      return { kind: 'number', min: grammar[1], max: grammar[2], step: 1 };
    case 'dec':
      return { kind: 'number', min: grammar[1], max: grammar[2], step: 0.1 };
    case 'density':
      return { kind: 'number', min: 1, max: grammar[2], step: 0.25 };
    case 'steps':
      return { kind: 'choice', values: grammar.slice(1) };
    case 'enum':
      return { kind: 'choice', values: [...new Set(Object.values(grammar[1]))] };
    case 'flag':
    case 'color':
      return { kind: grammar[0] };
    default:
      return { kind: 'text' };
  }
}

function parameter(key: string, { rule, doc, unset }: Param<unknown>, names: Names): Record<string, unknown> {
  const { aliases = [], fallback, grammar } = rule;
  const registered = names[key];
  const shown = registered ? { kind: 'choice', values: registered } : control(grammar);
  const allowed = registered ? registered.join(' ') : allowedText({ key, ...rule });
  return { key, aliases, doc, allowed, fallback, unset, control: shown };
}

type Names = Readonly<Record<string, readonly string[]>>;

/** The parameter table as the page draws its form from it; `names` are the registered values of a parameter. */
export function formOf(names: Names): ReadonlyArray<Record<string, unknown>> {
  return OPERATIONS.map(({ name, summary }) => ({
    name,
    summary,
    parameters: ROWS.filter(({ operation }) => operation.name === name).map(({ key, param }) =>
      parameter(key, param, names),
    ),
  }));
}

/** Ids of the samples that a first start puts in; an image without the folder has none. */
async function sampleIds(): Promise<string[]> {
  const names = await readdir(SAMPLES).catch(() => []);
  return names
    .filter((name) => !name.endsWith('.md'))
    .sort()
    .map((name) => `samples/${name}`);
}

/** The playground at `/`: a page that knows the table, and nothing that the network does not give it. */
export async function playgroundRoutes(
  app: FastifyInstance,
  presets: Presets,
  watermarks: readonly string[],
): Promise<void> {
  const names = { p: Object.keys(presets).map((name) => name.slice(1)), wm: watermarks };
  const form = { operations: formOf(names), samples: await sampleIds() };
  const schema = { hide: true };
  app.get('/playground/form.json', { schema }, async (_request, reply) => reply.headers(HEADERS).send(form));
  for (const [name, type] of Object.entries(TYPES)) {
    const body = await readFile(new URL(name, ASSETS));
    const url = name === 'index.html' ? '/' : `/playground/${name}`;
    const handler = async (_request: unknown, reply: FastifyReply) =>
      reply.headers(HEADERS).type(type).send(body);
    app.route({ method: ['GET', 'HEAD'], url, schema, handler });
  }
}
