import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { idInUrl } from '../core/query/path.ts';
import type { Stores } from '../stores/stores.ts';
import { UsageError } from './command.ts';
import { remembered } from './environment.ts';
import { openLocal } from './local.ts';

/** What ends a command whatever else it has to do: a server that is not there, a token that is not accepted. */
export class CommandEnded extends Error {}

/** An answer other than 2xx. */
export class Refused extends Error {
  /** Of PROBLEMS; empty where whoever answered is no Rendition. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export interface Call {
  readonly json?: unknown;
  readonly form?: FormData;
}

/** A management API, wherever it is. */
export interface Deployment {
  /** Scheme and host that calls go to. */
  readonly base: string;
  /** Present where the stores are those of the settings. */
  readonly stores?: Stores | undefined;
  /**
   * @param path  behind the base
   * @returns     what was answered; undefined for an answer without a body
   * @throws CommandEnded, Refused
   */
  call(method: string, path: string, call?: Call): Promise<unknown>;
  close(): Promise<void>;
}

export const DEPLOYMENT_OPTIONS = {
  url: {
    value: 'URL',
    doc: 'Scheme and host of a deployment; else RENDITION_URL, else the stores of the settings.',
  },
  token: {
    value: 'TOKEN',
    doc: 'Bearer token of the deployment; better in RENDITION_TOKEN, which other users of the machine do not see.',
  },
  data: { value: 'FOLDER', doc: 'Data folder, in place of DATA_DIR.' },
} as const;

interface Where {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly data: string | undefined;
}

/** Opens the API of a URL, or one of this process over the stores that the settings name. */
export async function openDeployment({ url, token, data }: Where, makesFolder = false): Promise<Deployment> {
  if (url !== undefined && data !== undefined) throw new UsageError('--url and --data exclude each other.');
  const address = url ?? (data === undefined ? remembered().url : undefined);
  if (address !== undefined) return remote(address, token ?? remembered().token);
  if (token !== undefined) throw new UsageError('--token needs --url.');
  const local = await openLocal(data, makesFolder);
  return { ...remote(local.base, local.token), stores: local.stores, close: local.close };
}

function remote(address: string, token: string | undefined): Deployment {
  if (!/^https?:\/\//.test(address) || !URL.canParse(address))
    throw new UsageError(`--url ${address}: expected an http or https URL.`);
  const base = address.replace(/\/+$/, '');
  const call = async (method: string, path: string, { json, form }: Call = {}) => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      // One call, however often it is sent.
      ...(method === 'POST' ? { 'idempotency-key': `"${randomUUID()}"` } : {}),
    };
    const body = form ?? (json === undefined ? undefined : JSON.stringify(json));
    const response = await patiently(base, path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    return read(base, response, token !== undefined);
  };
  return { base, call, close: async () => undefined };
}

const TRIES = 10;
const LONGEST_WAIT_SECONDS = 30;

/** Waits as long as a server that is busy says, and longer each time; a call that got lost on the way is sent again. */
async function patiently(base: string, path: string, init: RequestInit): Promise<Response> {
  let losses = 0;
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${base}${path}`, init).catch((error: unknown) => {
      if (!LOST.includes(codeOf(error)) || ++losses > MOST_LOSSES) throw unreachable(base, error);
    });
    const seconds = response ? Number(response.headers.get('retry-after')) * attempt : 1;
    // 409: the same call, of which the answer got lost, is still being worked on.
    const isBusy = !response || [409, 429, 503].includes(response.status);
    if (response && (!isBusy || attempt === TRIES || !(seconds > 0))) return response;
    await response?.body?.cancel();
    await sleep(Math.min(seconds, LONGEST_WAIT_SECONDS) * 1000);
  }
}

/** Connections that ended: whether the call arrived is not known. A server that refuses a body does the same. */
const LOST = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];
const MOST_LOSSES = 2;
/** Failures of one request only. */
const OWN = [...LOST, 'ENOENT', 'EACCES'];

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

function unreachable(base: string, error: unknown): Error {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = codeOf(error);
  const reason = code || (cause instanceof Error ? cause.message : String(error));
  if (OWN.includes(code)) return new Error(`the connection to ${base} ended (${reason})`);
  return new CommandEnded(`${base} cannot be reached: ${reason}`);
}

async function read(base: string, response: Response, hasToken: boolean): Promise<unknown> {
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok && (answer !== undefined || text === '')) return answer;
  const { code = '', detail = `${base} answered ${response.status}, and not as Rendition does.` } =
    problemOf(answer);
  if (code === 'unauthorized' && !hasToken)
    throw new CommandEnded(`${base} needs a token: --token, or RENDITION_TOKEN.`);
  if (code === 'unauthorized' || code === 'forbidden') throw new CommandEnded(`${base}: ${detail}`);
  throw new Refused(detail, code);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(answer: unknown): { code?: string; detail?: string } {
  const isProblem = answer !== null && typeof answer === 'object' && 'code' in answer && 'detail' in answer;
  return isProblem ? { code: String(answer.code), detail: String(answer.detail) } : {};
}

/** Path of an image in the API. Its slashes are escaped: it may end in the name of an action. */
export function imagePath(id: string, action = ''): string {
  return `/api/images/${idInUrl(id).replaceAll('/', '%2F')}${action}`;
}
