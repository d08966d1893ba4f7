import type { FastifyInstance } from 'fastify';
import { withServer } from './server.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
}

/** What the OpenAPI document of a server lists. */
export function callsOf(app: FastifyInstance): Call[] {
  return Object.entries(app.swagger().paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      summary: summaryOf(operation),
    })),
  );
}

/** What the OpenAPI document of a server with default settings lists. */
export function calls(): Promise<Call[]> {
  return withServer({}, async (app) => callsOf(app));
}

function summaryOf(operation: unknown): string {
  const hasSummary = operation !== null && typeof operation === 'object' && 'summary' in operation;
  return hasSummary ? String(operation.summary) : '';
}
