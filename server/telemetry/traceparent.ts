/** The trace that a request is part of, and who in it asks (W3C Trace Context, 3.2). */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;

/** Undefined for what is no traceparent: a trace of nobody is begun then, as the specification has it (3.2.2.2). */
export function readTraceparent(header: string | readonly string[] | undefined): TraceContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] =
    FORM.exec(typeof header === 'string' ? header : '') ?? [];
  // Later versions may say more behind these fields; ours does not.
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function writeTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${isSampled ? 1 : 0}`;
}
