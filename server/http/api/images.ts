import Type from 'typebox';
import { MAX_ID_BYTES, readId } from '../../core/query/id.ts';
import { Problem } from '../../shared/errors.ts';
import { readWarmRequest } from '../../warming/warm-request.ts';
import { describedView, imageView, uploadView } from '../../writing/serializers.ts';
import { PROBLEMS } from '../image-schema.ts';
import { type Api, type ApiDeps, originOf } from './context.ts';
import { Edit, Image, ImageSummary, Images, ImagesQuery } from './schemas/images.ts';
import { Id, PAGE } from './schemas/parts.ts';
import { VariantsQuery } from './schemas/status.ts';
import { PurgeAnswer, PurgeQuery } from './schemas/upkeep.ts';
import { Upload } from './schemas/uploads.ts';
import { WarmBody } from './schemas/variants.ts';

const tags = ['management'];
const params = Type.Object({ id: Id });

/** Looking at, editing, warming, purging and deleting images. */
export function imageRoutes(api: Api, deps: ApiDeps): void {
  lookRoutes(api, deps);
  changeRoutes(api, deps);
  workRoutes(api, deps);
}

function lookRoutes(api: Api, { library, urls }: ApiDeps): void {
  api.get(
    '/api/images/:id',
    {
      schema: {
        tags,
        params,
        querystring: VariantsQuery,
        summary: 'What is known of an image: size, format, placeholder, variants by pages of 100.',
        response: { 200: Image, ...PROBLEMS },
      },
    },
    async (request) => {
      const described = await library.describe(readId(request.params.id), request.query);
      return describedView(described, urls, urls.base(originOf(request)));
    },
  );
  api.get(
    '/api/images',
    {
      schema: {
        tags,
        querystring: ImagesQuery,
        summary: 'Images, newest first, or those that a search finds.',
        response: { 200: Images, ...PROBLEMS },
      },
    },
    async (request) => {
      checkPrefix(request.query.prefix);
      const { items, next = null } = await library.list({ limit: PAGE, ...request.query });
      const base = urls.base(originOf(request));
      return { items: items.map((image) => imageView(image, urls, base)), next };
    },
  );
}

function changeRoutes(api: Api, { library, urls }: ApiDeps): void {
  api.patch(
    '/api/images/:id',
    {
      schema: {
        tags,
        params,
        body: Edit,
        summary: 'Edits an image; a new focal point purges it and warms its variants again.',
        response: { 200: Image, ...PROBLEMS },
      },
    },
    async (request) => {
      const described = await library.edit(readId(request.params.id), request.body);
      return describedView(described, urls, urls.base(originOf(request)));
    },
  );
  api.delete(
    '/api/images/:id',
    {
      config: { changesOriginals: true },
      schema: {
        tags,
        params,
        summary: 'Removes original, record, results and copies at the edge. Repeating it is no error.',
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      await library.remove(readId(request.params.id));
      return reply.code(204).send(null);
    },
  );
}

function workRoutes(api: Api, deps: ApiDeps): void {
  const { library, urls } = deps;
  api.post(
    '/api/images/:id/variants',
    {
      schema: {
        tags,
        params,
        body: WarmBody,
        summary: 'Warms more variants.',
        response: { 202: Upload, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const id = readId(request.params.id);
      const described = await library.warm(id, readWarmRequest(request.body, deps));
      const base = urls.base(originOf(request));
      return reply
        .code(202)
        .header('Location', urls.status(base, id))
        .send(uploadView(described, urls, base));
    },
  );
  api.delete(
    '/api/images/:id/variants',
    {
      schema: {
        tags,
        params,
        body: WarmBody,
        summary: 'Asks for variants no more: their results and copies go. Absent ones are no error.',
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      // Also what a deployment refuses by now may be there from before.
      const { forms } = readWarmRequest(request.body, { ...deps, check: () => undefined });
      await library.forget(readId(request.params.id), forms);
      return reply.code(204).send(null);
    },
  );
  api.post(
    '/api/images/:id/notifications',
    {
      schema: {
        tags,
        params,
        summary: 'Tells webhook and topic of a finished image once more, as after what was given up.',
        response: { 202: ImageSummary, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const base = urls.base(originOf(request));
      const image = await library.notify(readId(request.params.id));
      const location = urls.status(base, image.record.id);
      return reply
        .code(202)
        .header('Location', location)
        .send(imageView(image, urls, base));
    },
  );
  api.post(
    '/api/images/:id/purge',
    {
      schema: {
        tags,
        params,
        querystring: PurgeQuery,
        summary: 'Clears every tier and says what each one did.',
        response: { 200: PurgeAnswer, ...PROBLEMS },
      },
    },
    (request) => library.purge(readId(request.params.id), { warm: request.query.warm === true }),
  );
}

/** No id is longer, and no store could be asked for one; the schema counts characters. */
function checkPrefix(prefix = ''): void {
  if (Buffer.byteLength(prefix) <= MAX_ID_BYTES) return;
  throw new Problem('invalid_parameter', `No id begins with more than ${MAX_ID_BYTES} bytes.`, {
    param: 'prefix',
    received: prefix,
    allowed: `1 to ${MAX_ID_BYTES} bytes of UTF-8`,
  });
}
