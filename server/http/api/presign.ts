import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Problem } from '../../shared/errors.ts';
import type { KeptAnswer } from '../../stores/answers.ts';
import { readWarmRequest } from '../../warming/warm-request.ts';
import { PROBLEMS } from '../image-schema.ts';
import { type Api, type ApiDeps, originOf } from './context.ts';
import { PRESIGNED_FORM } from './form-schemas.ts';
import { answerAgain, nextId, takeTurn } from './idempotency.ts';
import { receiving } from './pace.ts';
import { chunksOf, formOnly, partsOf } from './parts.ts';
import { Id } from './schemas/parts.ts';
import { PresignBody, Presigned } from './schemas/uploads.ts';
import { counting } from './upload-metrics.ts';

/** Uploads by browsers that have no token: the form, and on the embedded default where it is posted to. */
export function presignRoutes(api: Api, deps: ApiDeps): void {
  const { presignedUploads, urls } = deps;
  api.post(
    '/api/images/presign',
    {
      config: { changesOriginals: true },
      schema: {
        tags: ['management'],
        body: PresignBody,
        summary: 'A form that a browser may post: exactly this size, type and key, for an hour.',
        response: { 200: Presigned, ...PROBLEMS },
      },
    },
    async (request) => {
      const base = urls.base(originOf(request));
      const { forms: variants, requested } = readWarmRequest(request.body, deps);
      const id = request.body.id ?? nextId(request);
      const announced = await presignedUploads.announce({ ...request.body, id, variants, requested }, base);
      const { statusKey, ...form } = announced;
      const statusUrl = `${urls.status(base, form.id)}?key=${statusKey}`;
      return { ...form, fields: { ...form.fields }, statusUrl };
    },
  );
  if (deps.localForms) receiveRoute(api, deps, deps.localForms);
}

function receiveRoute(api: Api, deps: ApiDeps, forms: NonNullable<ApiDeps['localForms']>): void {
  api.post(
    '/api/uploads/:id',
    {
      // The policy in the form is the credential.
      config: { isOpen: true, changesOriginals: true },
      preParsing: formOnly,
      validatorCompiler: () => () => true,
      schema: {
        tags: ['management'],
        summary: 'Where a presigned form is posted to when the originals lie on this machine.',
        ...PRESIGNED_FORM,
        params: Type.Object({ id: Id }),
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const kept = await receiving(request.raw, deps.minUploadRate, () =>
        receive(request, request.params.id, deps, forms),
      );
      return kept ? answerAgain(request, reply, kept) : reply.code(204).send(null);
    },
  );
}

/** The policy in the form is the credential: without one nothing takes a slot, or a key. */
async function receive(
  request: FastifyRequest,
  id: string,
  deps: ApiDeps,
  forms: NonNullable<ApiDeps['localForms']>,
): Promise<KeptAnswer | undefined> {
  const { presignedUploads, uploads, metrics } = deps;
  const fields: Record<string, string> = {};
  for await (const part of partsOf(request)) {
    if (part.kind === 'field') {
      fields[part.name] = String(part.value);
      continue;
    }
    const policy = forms.open(fields, id, Date.now());
    const kept = await takeTurn(request, deps, `form ${fields['signature']}`);
    await uploads.withSlot(async () => {
      const stored = () => presignedUploads.receive(policy, chunksOf(part));
      if (!kept) return counting(metrics, () => policy.size, stored);
      for await (const _chunk of chunksOf(part));
    });
    return kept;
  }
  throw new Problem('invalid_request', 'There is no file in this form, or it is not its last field.');
}
