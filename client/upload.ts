import type { Params } from './parameters.ts';
import { query } from './url.ts';

/** What an image has become. */
export interface Status {
  readonly id: string;
  readonly status: 'uploading' | 'uploaded' | 'processing' | 'completed' | 'partial' | 'failed';
  readonly error: string | null;
  /** Variants that are neither queued nor being rendered, and all of them. */
  readonly done: number;
  readonly total: number;
  /** What was asked for, as it was written, and an address of each for pages; null where its preset is gone. */
  readonly requests: readonly {
    readonly requested: string;
    readonly url: string | null;
    readonly variants: readonly string[];
  }[];
  readonly variants: readonly {
    readonly variant: string;
    readonly requested: string | null;
    readonly url: string;
    readonly status: string;
    readonly error: string | null;
  }[];
}

export interface Announcement {
  readonly filename: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
  readonly id?: string | undefined;
  readonly variants?: readonly string[] | undefined;
}

/** Answer to an announcement. */
export interface Presigned {
  readonly id: string;
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly statusUrl: string;
}

interface Call {
  /** Scheme and host of the deployment. */
  readonly base: string;
  /** Of its API; a page has none and asks its own server to announce. */
  readonly token?: string | undefined;
}

interface Wishes {
  readonly id?: string | undefined;
  /** Rendered ahead: parameters, or queries. */
  readonly variants?: readonly (Params | string)[] | undefined;
  /** Bytes that were sent, and how many there are. */
  readonly onProgress?: ((sent: { loaded: number; total: number }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type UploadOptions = Wishes &
  (Call | { /** Asks one's own server, which calls `announce()`. */ readonly presign: Presign });

type Presign = (announcement: Announcement) => Promise<Presigned>;

export interface Uploading {
  /** Once the bytes are there. Rejects where they were refused. */
  readonly sent: Promise<{ id: string; statusUrl: string }>;
  /** Once its variants are rendered; `onStatus` hears what happens until then. Rejects for an image that failed. */
  ready(onStatus?: (status: Status) => void): Promise<Status>;
}

/** Longest wait of one question; load balancers close what is silent for a minute. */
const WAIT_SECONDS = 20;

/**
 * Sends a file. A page sends it by a presigned form and needs no token.
 *
 * @throws Error with what the server said, by `sent` and `ready()`
 */
export function upload(file: File, options: UploadOptions): Uploading {
  const sent = send(file, options);
  const headers = 'presign' in options ? {} : authorization(options);
  // Whoever asks for ready() alone is told there.
  sent.catch(() => undefined);
  return {
    sent,
    ready: async (onStatus) => follow((await sent).statusUrl, { headers, onStatus, signal: options.signal }),
  };
}

/** For the server of a page: asks the deployment for a form that the page may post. */
export async function announce({ base, ...call }: Call, announcement: Announcement): Promise<Presigned> {
  const headers = { ...authorization({ base, ...call }), 'content-type': 'application/json' };
  const body = JSON.stringify(announcement);
  return answerOf(await fetch(`${base}/api/images/presign`, { method: 'POST', headers, body }));
}

const authorization = ({ token }: Call): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

async function send(file: File, options: UploadOptions): Promise<{ id: string; statusUrl: string }> {
  const variants = options.variants?.map((variant) =>
    typeof variant === 'string' ? variant : query(variant),
  );
  if ('presign' in options) {
    const { id } = options;
    const { name: filename, type: contentType, size } = file;
    const form = await options.presign({ filename, contentType, size, id, variants });
    await post(form.url, formOf({ ...form.fields }, file), options);
    return form;
  }
  const fields = { id: options.id, variants: variants && JSON.stringify(variants) };
  return JSON.parse(
    await post(`${options.base}/api/images`, formOf(fields, file), options, authorization(options)),
  );
}

/** The file comes last: what a form says of it must be there before. */
function formOf(fields: Readonly<Record<string, string | undefined>>, file: File): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, value);
  form.append('file', file);
  return form;
}

/** What is used of the browser's XMLHttpRequest: fetch tells nothing of how far a body has gone. */
interface Request {
  readonly upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null };
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  readonly status: number;
  readonly responseText: string;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  send(body: FormData): void;
  abort(): void;
}
declare const XMLHttpRequest: (new () => Request) | undefined;

async function post(
  url: string,
  body: FormData,
  { onProgress, signal }: Wishes,
  headers = {},
): Promise<string> {
  // One that has fired already tells no listener so.
  signal?.throwIfAborted();
  if (typeof XMLHttpRequest === 'undefined') {
    const answer = await fetch(url, { method: 'POST', body, headers, ...(signal ? { signal } : {}) });
    return told(answer.status, await answer.text());
  }
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress?.({ loaded, total });
    request.onload = () => resolve(request.responseText);
    request.onerror = () =>
      reject(new Error(`${url} cannot be reached, or its CORS_ORIGINS do not name this page`));
    request.onabort = () => reject(signal?.reason);
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.open('POST', url);
    for (const [name, value] of Object.entries<string>(headers)) request.setRequestHeader(name, value);
    request.send(body);
  }).then(() => told(request.status, request.responseText));
}

/** @throws Error with the detail of the problem, and the problem as its cause */
function told(status: number, text: string): string {
  if (status >= 200 && status < 300) return text;
  const isProblem = text.startsWith('{');
  const problem: { detail?: string } = isProblem ? JSON.parse(text) : {};
  throw new Error(problem.detail ?? `The server answered ${status}.`, { cause: isProblem ? problem : text });
}

async function answerOf<T>(answer: Response): Promise<T> {
  return JSON.parse(told(answer.status, await answer.text()));
}

interface Following {
  readonly headers: Record<string, string>;
  readonly onStatus: ((status: Status) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

async function follow(statusUrl: string, { headers, onStatus, signal }: Following): Promise<Status> {
  const url = `${statusUrl}${statusUrl.includes('?') ? '&' : '?'}wait=`;
  // The first answer comes at once, so that a bar has something to show.
  for (let wait = 0; ; wait = WAIT_SECONDS) {
    const answer = await fetch(url + wait, { headers, ...(signal ? { signal } : {}) });
    const status = await answerOf<Status>(answer);
    onStatus?.(status);
    if (status.status === 'failed') throw new Error(status.error ?? 'The image failed.', { cause: status });
    if (status.status === 'completed' || status.status === 'partial') return status;
  }
}
