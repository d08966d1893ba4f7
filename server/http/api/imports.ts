import Type, { type Static } from 'typebox';
import { readId } from '../../core/query/id.ts';
import { isProblem, type Problem, problemBody } from '../../shared/errors.ts';
import { readWarmRequest } from '../../warming/warm-request.ts';
import type { Import } from '../../writing/imports.ts';
import { imageView, uploadView } from '../../writing/serializers.ts';
import { PROBLEMS } from '../image-schema.ts';
import { type Api, type ApiDeps, originOf } from './context.ts';
import { nextId } from './idempotency.ts';
import { ImageSummary } from './schemas/images.ts';
import { Id } from './schemas/parts.ts';
import { ImportBody, Imports } from './schemas/uploads.ts';

const tags = ['management'];
/** A thousand addresses of two KB each, and what is said of them. */
const MAX_BODY_BYTES = 4 * 2 ** 20;

/** Having originals fetched from elsewhere. */
export function importRoutes(api: Api, deps: ApiDeps): void {
  const { imports, library, blocks, pulls, urls, metrics } = deps;
  api.post(
    '/api/images/import',
    {
      config: { changesOriginals: true },
      bodyLimit: MAX_BODY_BYTES,
      schema: {
        tags,
        body: ImportBody,
        summary: 'Has originals fetched from addresses, and warms their variants.',
        response: { 202: Imports, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const base = urls.base(originOf(request));
      const read = request.body.urls.map((one, index) => readImport(one, nextId(request, index), deps));
      const good = read.flatMap((one) => (isProblem(one) ? [] : [one]));
      const done = await imports.request(good);
      const requested = done.filter((one) => !isProblem(one)).length;
      metrics.add('imports', { outcome: 'requested' }, requested);
      metrics.add('imports', { outcome: 'refused' }, read.length - requested);
      const outcomes = done.values();
      const images = read.map((one, index) => {
        const outcome = isProblem(one) ? one : outcomes.next().value;
        if (outcome && !isProblem(outcome)) return uploadView(outcome, urls, base);
        return { url: request.body.urls[index]?.url ?? '', problem: problemBody(outcome, request.id) };
      });
      return reply.code(202).send({ images });
    },
  );
  api.post(
    '/api/images/:id/refresh',
    {
      config: { changesOriginals: true },
      schema: {
        tags,
        params: Type.Object({ id: Id }),
        summary:
          'Has the original of an image that was imported fetched anew, if its server has another one.',
        response: { 202: ImageSummary, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const base = urls.base(originOf(request));
      const id = readId(request.params.id);
      await imports.refresh(id);
      return reply
        .code(202)
        .header('Location', urls.status(base, id))
        .send(imageView(await library.describe(id), urls, base));
    },
  );
  api.delete(
    '/api/images/:id/block',
    {
      schema: {
        tags,
        params: Type.Object({ id: Id }),
        summary: 'Lets a source bring an image again that was deleted here. Repeating it is no error.',
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const id = readId(request.params.id);
      await blocks.lift(id);
      pulls.forget(id);
      return reply.code(204).send(null);
    },
  );
}

/** One that cannot be read stops none of the others. */
function readImport(
  { variants, ...one }: Static<typeof ImportBody>['urls'][number],
  nextId: string | undefined,
  deps: ApiDeps,
): Import | Problem {
  try {
    const { forms, requested } = readWarmRequest({ variants }, deps);
    return { ...one, id: one.id ?? nextId, variants: forms, requested };
  } catch (error) {
    if (isProblem(error)) return error;
    throw error;
  }
}
