import type { IncomingMessage } from 'node:http';

/** Header names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** Headers as they came, several of one name as one. */
export const plainHeaders = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]));

/** A request as a viewer sends it. */
export interface ViewerRequest {
  readonly method: string;
  /** As written, before the `?`. */
  readonly path: string;
  /** As written, behind the `?`; '' where there is none. */
  readonly query: string;
  readonly headers: Headers;
  readonly body?: Buffer;
  /** IP address. */
  readonly address: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** What an origin is asked. */
export interface OriginRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly body?: Buffer;
}

/** Why there is no answer: no connection, or none in time. */
export type Failure = 'unreachable' | 'timeout';

/** Asks an origin; its own errors are answers. */
export type Ask = (originId: string, request: OriginRequest) => Promise<Answer | Failure>;

/** Lasts for one connection (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

export const withoutHopByHop = (headers: Headers): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));

export const textAnswer = (status: number, text: string, headers: Headers = {}): Answer => ({
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body: Buffer.from(text),
});
