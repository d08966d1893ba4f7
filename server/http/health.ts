import type { FastifyInstance } from 'fastify';
import type { Deferred } from '../shared/deferred.ts';
import type { Metrics } from './metrics.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Not refused after SIGTERM. */
    answersWhileDraining?: boolean;
  }
}

export interface HealthOptions {
  readonly metrics: Metrics;
  readonly deferred: Deferred;
  /** Resolves when every store answers; by name, for the one who is woken. */
  readonly probes: Readonly<Record<string, () => Promise<void>>>;
  readonly isDraining: () => boolean;
}

const PROBE_MS = 2000;

/** `ok` or `failed`, for anyone to see; the reason goes to `onFailure`. */
async function outcome(probe: () => Promise<void>, onFailure: (error: unknown) => void): Promise<string> {
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${PROBE_MS} ms`)), PROBE_MS).unref();
  });
  try {
    await Promise.race([probe(), late]);
    return 'ok';
  } catch (error) {
    onFailure(error);
    return 'failed';
  }
}

export function healthRoutes(
  app: FastifyInstance,
  { metrics, deferred, probes, isDraining }: HealthOptions,
): void {
  const options = (summary: string) => ({
    schema: { tags: ['operation'], summary },
    config: { answersWhileDraining: true },
  });
  app.route({
    // Monitors ask with HEAD.
    ...{ method: ['GET', 'HEAD'], url: '/healthz', ...options('Whether the process lives.') },
    handler: async (_request, reply) => reply.header('Cache-Control', 'no-store').send({ status: 'ok' }),
  });
  app.get(
    '/readyz',
    options('Whether requests should come here: false while draining or without its stores.'),
    async ({ log }, reply) => {
      const asked = Object.entries(probes).map(async ([store, probe]) => {
        const answer = await outcome(probe, (err) => log.warn({ err, store }, 'store does not answer'));
        return [store, answer] as const;
      });
      const answers = await Promise.all(asked);
      const stores = Object.fromEntries(answers);
      const ready = !isDraining() && answers.every(([, answer]) => answer === 'ok');
      const status = isDraining() ? 'draining' : ready ? 'ok' : 'stores unreachable';
      return reply
        .code(ready ? 200 : 503)
        .header('Cache-Control', 'no-store')
        .send({ status, stores });
    },
  );
  app.get('/metrics', options('Prometheus metrics.'), async (_request, reply) => {
    deferred.flush();
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
