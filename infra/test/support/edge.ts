import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ViewerRequest } from '../../cloudfront/message.ts';
import type { FunctionOutcome, ViewerFunction } from '../../cloudfront/viewer-function.ts';
import { type EdgeOptions, edgeBundle } from '../../edge/build.ts';
import { colorPieces } from '../../edge/bundle-colors.ts';
import { rulePieces } from '../../edge/pack.ts';
import { presetQueries } from '../../program-settings.ts';
import { run } from '../../stand-in/run.ts';
import { KID, SECRET } from './signing.ts';

export interface EdgeRequest {
  uri: string;
  query?: string;
  accept?: string;
}

/** What the function made of a request: the request that goes on, or the answer that it gave itself. */
export interface EdgeOutcome {
  uri?: string;
  querystring?: unknown;
  statusCode?: number;
  headers?: Record<string, { value: string }>;
  body?: string;
  /** The origin that was asked for, where one was. */
  origins?: string[];
  failed?: string;
}

export const PRESETS = 'card=w=400&h=300&fit=cover;thumb=w=160&dpr=2;wide=bg=teal&w=900';

function values(): Record<string, string> {
  const presets = Object.entries(presetQueries({ PRESETS })).map(([name, query]) => [
    `preset:${name}`,
    query,
  ]);
  const rules = rulePieces();
  return Object.fromEntries([
    ...presets,
    ...colorPieces().map((piece, number) => [`colors:${number}`, piece]),
    ...rules.pieces.map((piece, number) => [`${rules.name}:${number}`, piece]),
    [`key:${KID}`, SECRET],
  ]);
}

interface Code {
  bundle: string;
  /** Of the KeyValueStore. */
  values: Readonly<Record<string, string>>;
}

/** The bundle behind a stand-in for CloudFront's module, and a loop over requests; runs in Node and in njs. */
function program({ bundle, values }: Code, requests: string, outcomes: string): string {
  const name = /import ([\w$]+) from"cloudfront";/.exec(bundle)?.[1];
  return `import fs from 'fs';
${bundle.replace(/import [\w$]+ from"cloudfront";/, '')}
var store = ${JSON.stringify(values)}, origins;
var ${name} = {
  kvs: () => ({ exists: (key) => Promise.resolve(store[key] !== undefined), get: (key) => Promise.resolve(store[key]) }),
  selectRequestOriginById: (id) => { origins = [id]; }
};
async function main() {
  var requests = JSON.parse(fs.readFileSync('${requests}', 'utf8'));
  var outcomes = [];
  for (var i = 0; i < requests.length; i++) {
    var one = requests[i];
    var headers = one.accept === undefined ? {} : { accept: { value: one.accept } };
    var event = { request: { uri: one.uri, querystring: one.query, headers: headers, rawQueryString: () => one.query } };
    var outcome;
    origins = undefined;
    try {
      var made = await handler(event);
      outcome = { uri: made.uri, querystring: made.querystring, statusCode: made.statusCode, headers: made.headers, body: made.body, origins: origins };
    } catch (error) {
      outcome = { failed: String(error) };
    }
    outcomes.push(outcome);
  }
  fs.writeFileSync('${outcomes}', JSON.stringify(outcomes));
}
main();
`;
}

/** njs keeps what it has allocated until it ends, 0.3 MB a request. */
const BATCH = 2000;

/** Runs the bundle over the requests in an engine: Node's path, or njs. */
export async function runEdge(
  folder: string,
  engine: 'node' | 'njs',
  requests: readonly EdgeRequest[],
  options: EdgeOptions = { signed: false },
): Promise<{ outcomes: EdgeOutcome[]; output: string }> {
  return runCode(folder, engine, requests, { bundle: await edgeBundle(options), values: values() });
}

async function runCode(
  folder: string,
  engine: 'node' | 'njs',
  requests: readonly EdgeRequest[],
  code: Code,
): Promise<{ outcomes: EdgeOutcome[]; output: string }> {
  const all: EdgeOutcome[] = [];
  let printed = '';
  for (let first = 0; first < requests.length; first += BATCH) {
    const { outcomes, output } = await runBatch(folder, engine, requests.slice(first, first + BATCH), code);
    all.push(...outcomes);
    printed += output;
  }
  return { outcomes: all, output: printed };
}

async function runBatch(
  folder: string,
  engine: 'node' | 'njs',
  requests: readonly EdgeRequest[],
  code: Code,
): Promise<{ outcomes: EdgeOutcome[]; output: string }> {
  const at = (name: string) => join(folder, `${engine}-${name}`);
  writeFileSync(at('requests.json'), JSON.stringify(requests));
  writeFileSync(at('outcomes.json'), '[]');
  writeFileSync(at('edge.mjs'), program(code, at('requests.json'), at('outcomes.json')));
  const command: [string, ...string[]] =
    engine === 'node' ? [process.execPath, at('edge.mjs')] : ['njs', at('edge.mjs')];
  const { output } = await run(command, { cwd: folder, env: { NODE_OPTIONS: '' } });
  return { outcomes: JSON.parse(readFileSync(at('outcomes.json'), 'utf8')), output };
}

const nameOf = ({ path, query, headers }: ViewerRequest): string =>
  JSON.stringify([path, query, headers.accept]);

/** What the function makes of these requests, found out in njs beforehand: an engine that starts for each is too slow. */
export async function functionsInNjs(
  folder: string,
  requests: readonly ViewerRequest[],
  code: Code,
): Promise<ViewerFunction> {
  const asked = requests.map(({ path, query, headers: { accept } }) => ({
    uri: path,
    query,
    ...(accept ? { accept } : {}),
  }));
  const { outcomes } = await runCode(folder, 'njs', asked, code);
  const known = new Map(requests.map((request, number) => [nameOf(request), outcomes[number]]));
  return async (_code, request) => {
    const outcome = known.get(nameOf(request));
    if (!outcome || outcome.failed) throw new Error(outcome?.failed ?? 'njs was not asked this');
    return asOutcome(outcome);
  };
}

function asOutcome({
  statusCode,
  headers = {},
  body = '',
  uri = '',
  querystring,
  origins,
}: EdgeOutcome): FunctionOutcome {
  if (statusCode === undefined) return { uri, query: String(querystring ?? ''), origin: origins?.[0] };
  const plain = Object.entries(headers).map(([name, header]) => [name, header.value]);
  return { statusCode, headers: Object.fromEntries(plain), body };
}
