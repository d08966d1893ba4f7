import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { readTraceparent, writeTraceparent } from './traceparent.ts';

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A request as part of a trace. */
export interface RequestTrace {
  /** As the answer says it. */
  readonly traceparent: string;
  /** As log lines say it (OpenTelemetry, trace context in other log formats). */
  readonly ids: { readonly trace_id: string; readonly span_id: string };
  /** Runs work, and whatever it leads to, as part of the request. */
  within(work: () => void): void;
  /** @param ms  since it came in: who ends it does so a moment after the answer */
  end(status: number, ms: number, attributes: Attributes): void;
}

/** Notes a part that is over already. */
export type Past = (
  name: string,
  time: { readonly endMs: number; readonly ms: number },
  attributes?: Attributes,
) => void;

export interface Message {
  readonly kind: string;
  readonly id: string | undefined;
  readonly receives: number;
  readonly sentAt: Date;
}

/** Who watches where time goes. */
export interface Tracing {
  /** Whether anybody does: parts are worth a look then. */
  readonly isOn: boolean;
  /** Undefined for a request that is part of no trace. */
  request(request: Pick<IncomingMessage, 'headers' | 'method'>): RequestTrace | undefined;
  job<T>(message: Message, work: () => Promise<T>): Promise<T>;
  /** A part of the request or job under way; only the work where there is none. */
  part<T>(name: string, attributes: Attributes, work: (past: Past) => Promise<T>): Promise<T>;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** Traces nothing: what a caller says of his trace goes into the log and the answer as it is. */
export const ECHO: Tracing = {
  isOn: false,
  request: ({ headers: { traceparent } }) => {
    const context = traceparent === undefined ? undefined : readTraceparent(traceparent);
    if (!context) return undefined;
    return {
      traceparent: writeTraceparent(context),
      ids: { trace_id: context.traceId, span_id: context.spanId },
      within: (work) => work(),
      end: () => undefined,
    };
  },
  job: (_message, work) => work(),
  part: (_name, _attributes, work) => work(() => undefined),
  close: async () => undefined,
};

export interface TracingOptions {
  /** Base address of an OTLP/HTTP receiver; undefined: nothing is traced. */
  readonly otlpEndpoint: string | undefined;
  readonly service: string;
  readonly version: string;
  readonly log: Pick<Logger, 'warn'>;
}
