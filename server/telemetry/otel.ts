import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { readTraceparent, writeTraceparent } from './traceparent.ts';
import type { Attributes, Message, Past, RequestTrace, Tracing, TracingOptions } from './tracing.ts';

/** Longest try to send, and to send what is left at the end: a receiver that does not answer holds nobody up. */
const SEND_MS = 1_500;
const CLOSE_MS = 3_000;

type Options = TracingOptions & { readonly otlpEndpoint: string };

/** Traces to an OTLP/HTTP receiver, by the packages of OpenTelemetry; they read the other OTEL_ variables themselves. */
export function otelTracing({ otlpEndpoint, service, version, log }: Options): Tracing {
  const tell = (message: string) => log.warn({ traces: message }, 'traces are not sent');
  const ignore = () => undefined;
  const logger = { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const own = resourceFromAttributes({ 'service.name': service, 'service.version': version });
  const provider = new BasicTracerProvider({
    resource: own.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor(
        new OTLPTraceExporter({
          url: `${otlpEndpoint.replace(/\/+$/, '')}/v1/traces`,
          timeoutMillis: SEND_MS,
        }),
      ),
    ],
  });
  return new OtelTracing(provider.getTracer('rendition', version), () =>
    provider.shutdown().catch((error: unknown) => tell(String(error))),
  );
}

class OtelTracing implements Tracing {
  readonly isOn = true;
  readonly #tracer: Tracer;
  readonly #shutdown: () => Promise<void>;
  /** What is under way. */
  readonly #current = new AsyncLocalStorage<Span>();

  constructor(tracer: Tracer, shutdown: () => Promise<void>) {
    this.#tracer = tracer;
    this.#shutdown = shutdown;
  }

  request({ headers, method = '' }: Parameters<Tracing['request']>[0]): RequestTrace {
    const startMs = Date.now();
    const options = {
      kind: SpanKind.SERVER,
      startTime: startMs,
      attributes: { 'http.request.method': method },
    };
    const span = this.#tracer.startSpan(method, options, contextOf(headers['traceparent']));
    const { traceId, spanId, traceFlags } = span.spanContext();
    const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    return {
      traceparent: writeTraceparent({ traceId, spanId, isSampled }),
      ids: { trace_id: traceId, span_id: spanId },
      within: (work) => this.#current.run(span, work),
      end: (status, ms, attributes) => {
        const { 'http.route': route } = attributes;
        if (route !== undefined) span.updateName(`${method} ${route}`);
        span.setAttributes({ ...attributes, 'http.response.status_code': status });
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end(startMs + ms);
      },
    };
  }

  async job<T>({ kind, id, receives, sentAt }: Message, work: () => Promise<T>): Promise<T> {
    // Of one that came again the wait is that of its failures.
    const startTime = receives === 1 ? sentAt : new Date();
    const attributes = { 'rendition.job': kind, 'rendition.image': id, 'rendition.receives': receives };
    const span = this.#tracer.startSpan(`job ${kind}`, { kind: SpanKind.CONSUMER, startTime, attributes });
    const endMs = Date.now();
    if (receives === 1) this.#past(span)('queue', { endMs, ms: Math.max(0, endMs - sentAt.getTime()) });
    return this.#run(span, work);
  }

  part<T>(name: string, attributes: Attributes, work: (past: Past) => Promise<T>): Promise<T> {
    const parent = this.#current.getStore();
    if (!parent) return work(() => undefined);
    const span = this.#tracer.startSpan(name, { attributes: { ...attributes } }, within(parent));
    return this.#run(span, () => work(this.#past(span)));
  }

  async close(): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([this.#shutdown(), late]);
  }

  #past(parent: Span): Past {
    return (name, { endMs, ms }, attributes = {}) => {
      const options = { startTime: endMs - ms, attributes: { ...attributes } };
      this.#tracer.startSpan(name, options, within(parent)).end(endMs);
    };
  }

  async #run<T>(span: Span, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#current.run(span, work);
    } catch (error) {
      span.setStatus({
        code: SpanStatusCode.ERROR,
        message: error instanceof Error ? error.message : String(error),
      });
      throw error;
    } finally {
      span.end();
    }
  }
}

const within = (parent: Span): Context => trace.setSpan(ROOT_CONTEXT, parent);

/** A caller decides whether his trace is kept; one of our own begins where there is none. */
function contextOf(header: string | string[] | undefined): Context {
  const caller = readTraceparent(header);
  if (!caller) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = caller;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
