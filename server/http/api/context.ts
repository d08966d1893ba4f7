import type { IncomingMessage, ServerResponse } from 'node:http';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { Presets } from '../../core/query/rule.ts';
import { Problem } from '../../shared/errors.ts';
import type { Records } from '../../stores/contracts.ts';
import type { Management } from '../../writing/management.ts';
import type { LocalPresigner } from '../../writing/presign.ts';
import { collectionRoutes } from './collections.ts';
import { imageRoutes } from './images.ts';
import { presignRoutes } from './presign.ts';
import { statusRoutes } from './status.ts';
import { uploadRoutes } from './upload.ts';
import { validator } from './validate.ts';

/** An app whose routes take their types from their schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface ApiDeps extends Management {
  readonly records: Records;
  readonly presets: Presets;
  /** Throws for what this deployment refuses. */
  readonly check: (canonical: string) => void;
  readonly ratePerMinute: number;
  readonly maxUploadBytes: number;
  /** Whether webhooks can be signed; without it they are refused. */
  readonly hasWebhookSecret: boolean;
  readonly webhookPrivate: boolean;
  /** Where forms of presigned uploads come back to this server. */
  readonly localForms: LocalPresigner | undefined;
}

/** Scheme and host as the client sees them. */
export function originOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`;
}

/** The management API, in a scope of its own. */
export async function managementApi(app: FastifyInstance, deps: ApiDeps): Promise<void> {
  const api: Api = app.withTypeProvider<TypeBoxTypeProvider>();
  api.setValidatorCompiler(validator);
  if (deps.ratePerMinute > 0) await limitRate(app, deps.ratePerMinute);
  await app.register(multipart);
  // A copy in a cache between would be shown to callers who lack the token, and late.
  api.addHook('onSend', async (_request, reply) => {
    reply.header('Cache-Control', 'no-store');
  });
  uploadRoutes(api, deps);
  presignRoutes(api, deps);
  imageRoutes(api, deps);
  statusRoutes(api, deps);
  collectionRoutes(api, deps);
}

async function limitRate(app: FastifyInstance, max: number): Promise<void> {
  await app.register(rateLimit, {
    max,
    timeWindow: 60_000,
    // After the token was checked, so that callers behind one proxy do not share a limit.
    hook: 'preParsing',
    keyGenerator: (request) => request.caller ?? request.ip,
    errorResponseBuilder: (_request, { max, ttl }) =>
      new Problem('rate_limited', `${max} calls a minute are allowed.`, {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  });
}
