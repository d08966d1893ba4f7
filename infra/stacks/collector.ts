import type { Settings } from '../settings.ts';
import type { Context } from './context.ts';
import type { Statement } from './policy.ts';
import { json } from './text.ts';

/** Where the collector of a task takes traces: containers of a task share their loopback. */
const RECEIVER = '127.0.0.1:4318';

/** Of the task's memory: beyond it the collector is ended alone, before it a batch is refused. */
const [MEMORY_MIB, LIMIT_MIB] = [128, 96];

type Traced = Pick<Settings, 'collector_image'>;

/** What the task sends X-Ray; it cannot be narrowed to a resource. Empty where there is no collector. */
export const traceRights = ({ collector_image: image }: Traced): Statement[] =>
  image
    ? [{ Effect: 'Allow', Action: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], Resource: ['*'] }]
    : [];

/**
 * Variables of OpenTelemetry for a program beside a collector. Which requests are traced is decided here: a viewer may
 * send `traceparent` as he likes, and each trace is paid for.
 */
export function traceEnvironment({ settings, prefix }: Context, program: string): Record<string, string> {
  if (!settings.collector_image) return {};
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${RECEIVER}`,
    OTEL_SERVICE_NAME: `${prefix}-${program}`,
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: String(settings.trace_percent / 100),
  };
}

/** @see https://opentelemetry.io/docs/collector/configuration/ */
const configuration = (region: string) => ({
  receivers: { otlp: { protocols: { http: { endpoint: RECEIVER } } } },
  processors: { memory_limiter: { check_interval: '1s', limit_mib: LIMIT_MIB }, batch: {} },
  exporters: { awsxray: { region } },
  service: {
    pipelines: {
      traces: { receivers: ['otlp'], processors: ['memory_limiter', 'batch'], exporters: ['awsxray'] },
    },
    telemetry: { logs: { level: 'warn' }, metrics: { level: 'none' } },
  },
});

/** The container that sends a task's traces on. Pictures go on without it: it is not essential, and is started again. */
export function collectorContainers({ settings }: Context, logConfiguration: object): object[] {
  if (!settings.collector_image) return [];
  return [
    {
      name: 'collector',
      image: settings.collector_image,
      command: ['--config=env:AOT_CONFIG_CONTENT'],
      essential: false,
      restartPolicy: { enabled: true, restartAttemptPeriod: 60 },
      readonlyRootFilesystem: true,
      memory: MEMORY_MIB,
      // The name by which AWS's own distribution looks for it; JSON is YAML.
      environment: [{ name: 'AOT_CONFIG_CONTENT', value: json(configuration(settings.region)) }],
      logConfiguration,
    },
  ];
}
