import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../../shared/errors.ts';
import { readOnly } from '../../stores/errors.ts';
import { collectionRoutes } from './collections.ts';
import type { Api, ApiDeps } from './context.ts';
import { feedRoutes } from './feeds.ts';
import { keepAnswers } from './idempotency.ts';
import { imageRoutes } from './images.ts';
import { importRoutes } from './imports.ts';
import { presignRoutes } from './presign.ts';
import { rewarmRoutes } from './rewarm.ts';
import { signRoutes } from './sign.ts';
import { statusRoutes } from './status.ts';
import { uploadRoutes } from './upload.ts';
import { validator } from './validate.ts';
import { warmSetRoutes } from './warm-set.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Refused where originals are read only. */
    changesOriginals?: boolean;
  }
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
  keepAnswers(api, deps);
  if (deps.isReadOnly) refuseWrites(api);
  uploadRoutes(api, deps);
  presignRoutes(api, deps);
  imageRoutes(api, deps);
  importRoutes(api, deps);
  statusRoutes(api, deps);
  collectionRoutes(api, deps);
  signRoutes(api, deps);
  rewarmRoutes(api, deps);
  warmSetRoutes(api, deps);
  feedRoutes(api, deps);
}

/** Before anything is noted down that the store would then refuse to do, again and again. */
function refuseWrites(api: Api): void {
  api.addHook('preParsing', async ({ routeOptions }) => {
    if (routeOptions.config.changesOriginals) throw readOnly();
  });
}

export async function limitRate(app: FastifyInstance, max: number): Promise<void> {
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
