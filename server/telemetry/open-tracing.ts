import { ECHO, type Tracing, type TracingOptions } from './tracing.ts';

/**
 * Opens what the setting names. The packages of OpenTelemetry are loaded here alone: they are 27 MB that nobody else needs.
 *
 * @throws Error that says what to install, where they are not
 */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { otlpEndpoint, ...rest } = options;
  if (otlpEndpoint === undefined) return ECHO;
  const loaded = await import('./otel.ts').catch((error: unknown) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    const packages = '@opentelemetry/{api,exporter-trace-otlp-http,resources,sdk-trace-base}';
    const how = `the packages of OpenTelemetry are not installed: npm install ${packages}`;
    throw new Error(`OTEL_EXPORTER_OTLP_ENDPOINT="${otlpEndpoint}": ${how} (docs/metrics.md#traces)`);
  });
  return loaded.otelTracing({ ...rest, otlpEndpoint });
}
