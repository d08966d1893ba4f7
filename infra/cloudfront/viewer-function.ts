import crypto from 'node:crypto';
import vm from 'node:vm';
import type { ViewerRequest } from './message.ts';

export interface FunctionRequest {
  readonly uri: string;
  /** As it goes on. */
  readonly query: string;
  /** An origin that the function chose in place of the behaviour's. */
  readonly origin: string | undefined;
}

export interface FunctionAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type FunctionOutcome = FunctionRequest | FunctionAnswer;

/** Runs the function of a behaviour; rejects where the function fails. */
export type ViewerFunction = (code: string, request: ViewerRequest) => Promise<FunctionOutcome>;

/** What the handler returned, of either kind. */
interface Returned {
  statusCode?: number;
  headers?: Record<string, { value: string } | undefined>;
  body?: unknown;
  uri?: string;
  querystring?: unknown;
}

type Parameters = Record<string, { value: string; multiValue?: { value: string }[] }>;

/** "Event structure": every value of a name, the first as its value. */
function parameters(query: string): Parameters {
  const found: Parameters = {};
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', ...rest] = pair.split('=');
    const value = rest.join('=');
    const before = found[name];
    if (before) before.multiValue = [...(before.multiValue ?? [{ value: before.value }]), { value }];
    else found[name] = { value };
  }
  return found;
}

/** A query string comes back as text or as the object that the event had. */
function writtenQuery(querystring: unknown): string {
  if (typeof querystring === 'string') return querystring;
  const pairs = Object.entries((querystring ?? {}) as Parameters).flatMap(([name, { value, multiValue }]) =>
    (multiValue ?? [{ value }]).map((one) => `${name}=${one.value}`),
  );
  return pairs.join('&');
}

/** @param origin  what selectRequestOriginById was called with */
export function outcomeOf(returned: Returned, origin: string | undefined): FunctionOutcome {
  if (returned.statusCode === undefined)
    return { uri: String(returned.uri), query: writtenQuery(returned.querystring), origin };
  const headers = Object.entries(returned.headers ?? {}).map(([name, header]) => [
    name,
    String(header?.value),
  ]);
  return {
    statusCode: returned.statusCode,
    headers: Object.fromEntries(headers),
    body: String(returned.body ?? ''),
  };
}

const IMPORT = /import ([\w$]+) from"(\w+)";/g;

/** The code as a script whose value is the handler, and which finds its modules by the names of its imports. */
function asScript(code: string): { script: vm.Script; modules: Readonly<Record<string, string>> } {
  const modules = Object.fromEntries([...code.matchAll(IMPORT)].map(([, name, module]) => [name, module]));
  return { script: new vm.Script(`(() => {${code.replace(IMPORT, '')};return handler;})()`), modules };
}

/** "JavaScript runtime 2.0": no timers, no network, no file system, no process. */
function contextFor(modules: Readonly<Record<string, string>>, cloudfront: object): vm.Context {
  const available: Readonly<Record<string, object>> = { crypto, cloudfront };
  const imported = Object.entries(modules).map(([name, module]) => [name, available[module]]);
  return vm.createContext({ Buffer, ...Object.fromEntries(imported) });
}

/** The KeyValueStore as functions see it; a key that is not there rejects. */
const storeOf = (values: Readonly<Record<string, string>>) => ({
  exists: async (key: string) => Object.hasOwn(values, key),
  get: async (key: string) => {
    if (Object.hasOwn(values, key)) return values[key];
    throw new Error(`The store has no ${key}`);
  },
});

/** Functions in this process. As at the edge, the whole file runs for each request, so that nothing stays from one to the next. */
export function functionsHere(values: Readonly<Record<string, string>>): ViewerFunction {
  const scripts = new Map<string, ReturnType<typeof asScript>>();
  return async (code, request) => {
    const { script, modules } = scripts.get(code) ?? asScript(code);
    scripts.set(code, { script, modules });
    let origin: string | undefined;
    const select = (id: string) => {
      origin = id;
    };
    const context = contextFor(modules, { kvs: () => storeOf(values), selectRequestOriginById: select });
    const handler: (event: object) => Promise<Returned> = script.runInContext(context);
    return outcomeOf(await handler(eventOf(request)), origin);
  };
}

/** The event of a viewer's request. */
export function eventOf({ method, path, query, headers, address }: ViewerRequest): object {
  return {
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: address },
    request: {
      method,
      uri: path,
      querystring: parameters(query),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { value }])),
      cookies: {},
      rawQueryString: () => query,
    },
  };
}
