import type { FastifyInstance } from 'fastify';
import type { Deferred } from '../shared/deferred.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { PROBLEMS } from './image-schema.ts';
import { StoreProbes } from './store-probes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Not refused after SIGTERM. */
    answersWhileDraining?: boolean;
    /** Asked every few seconds by machines: logged at debug. */
    isRoutine?: boolean;
  }
}

export interface HealthOptions {
  readonly metrics: Metrics;
  readonly deferred: Deferred;
  /** Resolves when every store answers; by name, for the one who is woken. */
  readonly probes: Readonly<Record<string, () => Promise<void>>>;
  readonly isDraining: () => boolean;
  /** Why this process can render nothing; undefined as long as it can. */
  readonly broken: () => Error | undefined;
  /** Whether Prometheus has a port of its own. */
  readonly isScrapedElsewhere: boolean;
}

const STATUS = { type: 'object', properties: { status: { type: 'string' } }, additionalProperties: true };
/** Written once: what writes other answers is loaded with the first of those. */
const ALIVE = JSON.stringify({ status: 'ok' });
const METRICS = {
  description: 'In the text format of Prometheus.',
  content: { 'text/plain': { schema: { type: 'string' } } },
};

/** What Prometheus reads, with the requests that were just answered. */
export function metricsPage({ metrics, deferred }: Pick<HealthOptions, 'metrics' | 'deferred'>) {
  deferred.flush();
  return metrics.page();
}

export function healthRoutes(
  app: FastifyInstance,
  { metrics, deferred, probes, isDraining, broken, isScrapedElsewhere }: HealthOptions,
): void {
  const stores = new StoreProbes(probes, app.log);
  metrics.readAll('storeUp', async () =>
    Object.entries(await stores.answers()).map(
      ([store, answer]) => [{ store }, Number(answer === 'ok')] as const,
    ),
  );
  const options = (summary: string, response: object) => ({
    schema: { tags: ['operations'], summary, response: { ...response, ...PROBLEMS } },
    config: { answersWhileDraining: true, isRoutine: true },
  });
  app.route({
    // Monitors ask with HEAD.
    method: ['GET', 'HEAD'],
    url: '/healthz',
    ...options('Whether the process lives.', { 200: { description: 'It does.', ...STATUS } }),
    handler: async (_request, reply) =>
      reply.header('Cache-Control', 'no-store').type('application/json; charset=utf-8').send(ALIVE),
  });
  app.get(
    '/readyz',
    options('Whether requests should come here: 503 while draining or when this process cannot render.', {
      200: { description: 'They should; also tells which stores answer.', ...STATUS },
      503: { description: 'They should not; says why.', ...STATUS },
    }),
    async (_request, reply) => {
      // A store that is away is away for every server: to take this one out would only lose what it has in memory.
      const status = isDraining() ? 'draining' : broken() ? 'cannot render' : 'ok';
      return reply
        .code(status === 'ok' ? 200 : 503)
        .header('Cache-Control', 'no-store')
        .send({ status, stores: await stores.answers() });
    },
  );
  if (isScrapedElsewhere) return;
  app.get('/metrics', options('Prometheus metrics.', { 200: METRICS }), async (_request, reply) => {
    const { type, body } = await metricsPage({ metrics, deferred });
    return reply.type(type).send(body);
  });
}
