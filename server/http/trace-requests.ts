import type { FastifyInstance } from 'fastify';
import type { RequestTrace, Tracing } from '../telemetry/tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Absent for a request that is part of no trace. */
    trace?: RequestTrace | undefined;
  }
}

/** Takes over the trace of who asks into log and answer; what is done for the request is part of it. */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  app.addHook('onRequest', (request, reply, done) => {
    const trace = tracing.request(request.raw);
    if (!trace) return done();
    request.trace = trace;
    request.log = request.log.child({ ...trace.ids });
    // Past Fastify: pictures are sent past it too.
    reply.raw.setHeader('traceparent', trace.traceparent);
    trace.within(done);
  });
}
