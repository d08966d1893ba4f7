import { join } from 'node:path';
import { build, transform } from 'esbuild';
import { loadConfig } from '../../server/config/settings.ts';
import { RULES } from '../../server/core/operations/table.ts';
import type { Grammar } from '../../server/core/query/rule.ts';
import { type Epochs, epochsAtEdge } from '../../server/reading/epoch.ts';
import { colorsFromStore } from './bundle-colors.ts';
import { SERVER } from './origin-names.ts';
import { commonRows, rulePieces } from './pack.ts';

/** CloudFront's limit for the code of a function. */
export const MAX_BYTES = 10_240;

/** What runtime 2.0 has beyond ES5; anything else that is newer is lowered, or refused where it cannot be. */
const SUPPORTED = { 'const-and-let': true, arrow: true, 'template-literal': true, 'async-await': true };

const SYNTAX = { charset: 'utf8', target: 'es5', supported: SUPPORTED } as const;

/** Members of the core's types and what they are called in the bundle. None is also a name of the runtime's. */
const SHORT = {
  key: 'k',
  grammar: 'g',
  fallback: 'f',
  needs: 'n',
  idle: 'i',
  never: 'x',
  aliases: 'a',
  url: 'u',
  scaled: 's',
  canonical: 'c',
  negotiable: 'o',
  code: 'd',
  param: 'p',
  received: 'r',
  with: 'w',
  raw: 'y',
  spelled: 'z',
  byName: 'b',
  rules: 'l',
  values: 'v',
} as const;

/** Globals that are used often, and their names in the bundle. */
const OFTEN = {
  undefined: 'U',
  'Object.keys': 'K',
  Number: 'N',
  encodeURIComponent: 'E',
  decodeURIComponent: 'D',
};

/** Methods that are called often: `a[F](b)` in place of `a.forEach(b)`. */
const METHODS = {
  split: 'S',
  forEach: 'F',
  test: 'T',
  length: 'L',
  slice: 'C',
  filter: 'A',
  indexOf: 'O',
  replace: 'R',
  push: 'H',
  toLowerCase: 'W',
};

/** Rules that others write values of, or look at: `ar` makes a side, a mirror a turn and half a turn a mirror, `dpr` multiplies a default. */
export const IMPLIED = [
  'fmt',
  'w',
  'h',
  'rot',
  'flip',
  ...RULES.filter((rule) => rule.scaled).map(({ key }) => key),
];

const takesColor = (grammar: Grammar): boolean =>
  grammar[0] === 'color' || (grammar[0] === 'list' && grammar[1].some(takesColor));

function constants(options: EdgeOptions): Record<string, string> {
  const {
    signed,
    ignored = [],
    rules = rulePieces().name,
    serversFirst = false,
    autoQuality = false,
  } = options;
  const { epochs = epochsAtEdge(loadConfig({})) } = options;
  const colored = RULES.filter((rule) => rule.grammar.some(takesColor)).flatMap(({ key, aliases = [] }) => [
    key,
    ...aliases,
  ]);
  return {
    __ROWS__: JSON.stringify(commonRows()),
    __RULES__: JSON.stringify(rules),
    __IMPLIED__: JSON.stringify(autoQuality ? [...IMPLIED, 'q'] : IMPLIED),
    __AUTO__: String(autoQuality),
    __COLORED__: JSON.stringify(colored),
    __SIGNED__: String(signed),
    __EPOCH__: JSON.stringify(epochs.plain),
    __MARKED__: JSON.stringify(epochs.marked),
    __IGNORED__: JSON.stringify(ignored.join()),
    __SERVER__: JSON.stringify(serversFirst ? '' : SERVER),
  };
}

/** What a refusal says beside its code, in the names of SHORT: the edge tells the code alone. */
const DETAILS = /(?<=\{d:"\w+"),p:[^{}]*(?=\})/g;

/** Before names are given, so that none of them is one of METHODS: to the minifier these are globals. */
function shortened(text: string): string {
  const methods = new RegExp(`(?<=[\\w$)\\]/])\\.(${Object.keys(METHODS).join('|')})\\b`, 'g');
  const shorts = new Map(Object.entries(METHODS));
  return text.replace(DETAILS, '').replace(methods, (_all, method) => `[${shorts.get(method)}]`);
}

/** CloudFront wants its imports first and a global `handler`; it knows no exports. */
function asFunction(text: string): string {
  const [, body, name] = /^([\s\S]*)export\s*\{\s*([\w$]+) as handle\s*\};?\s*$/.exec(text) ?? [];
  if (body === undefined) throw new Error('The bundle does not end with its export');
  const imports: string[] = [];
  const rest = body.replace(/import(?: [\w$]+ from)?"[\w:]+";/g, (line) => {
    // An open stage checks no signature: what is left of its import names nothing.
    if (line.includes(' from')) imports.push(line.replace('node:', ''));
    return '';
  });
  const globals = Object.entries(OFTEN).map(([global, short]) =>
    global === 'undefined' ? short : `${short}=${global}`,
  );
  const methods = Object.entries(METHODS).map(([method, short]) => `${short}="${method}"`);
  return `${imports.join('')}let ${[...globals, ...methods].join()};${rest.trim()}async function handler(e){return ${name}(e)}\n`;
}

export interface EdgeOptions {
  /** Every URL must be signed. */
  signed: boolean;
  /** See epochsAtEdge; absent: of a deployment without settings. */
  epochs?: Epochs;
  /** Parameters that the deployment drops without a word. */
  ignored?: readonly string[];
  /** `q` is `auto` where it is not said. */
  autoQuality?: boolean;
  /** No bucket stands before the servers. */
  serversFirst?: boolean;
  /** Where the KeyValueStore has the table; under the name of this release when absent. */
  rules?: string;
}

/**
 * The function's code.
 *
 * @throws  when it is larger than CloudFront accepts or uses syntax that it lacks
 */
export async function edgeBundle(options: EdgeOptions): Promise<string> {
  const built = await build({
    entryPoints: [join(import.meta.dirname, 'handler.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    ...SYNTAX,
    external: ['cloudfront', 'node:crypto'],
    plugins: [colorsFromStore],
    mangleProps: new RegExp(`^(${Object.keys(SHORT).join('|')})$`),
    mangleCache: SHORT,
    define: { ...OFTEN, ...constants(options) },
  });
  const named = shortened(built.outputFiles[0]?.text ?? '');
  const { code } = await transform(named, { format: 'esm', minify: true, ...SYNTAX });
  const text = asFunction(code);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES)
    throw new Error(`The edge function has ${bytes} bytes; CloudFront takes ${MAX_BYTES}`);
  return text;
}
