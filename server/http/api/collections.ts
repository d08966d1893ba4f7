import Type from 'typebox';
import { readId } from '../../core/query/id.ts';
import { notFound } from '../../reading/absent.ts';
import { Problem } from '../../shared/errors.ts';
import { newUlid } from '../../shared/ulid.ts';
import type { Collection as CollectionRecord, Refusal } from '../../stores/collections.ts';
import { collectionNotFound } from '../../writing/relate.ts';
import { collectionView } from '../../writing/serializers.ts';
import { PROBLEMS } from '../image-schema.ts';
import type { Api, ApiDeps } from './context.ts';
import { nextId } from './idempotency.ts';
import {
  Collection,
  CollectionBody,
  CollectionEdit,
  Collections,
  Relationships,
} from './schemas/collections.ts';
import { CollectionId, PAGE, PageQuery } from './schemas/parts.ts';

const tags = ['collections'];
const params = Type.Object({ id: CollectionId });
const response = { 200: Collection, ...PROBLEMS };

/** Collections, and which images are in them: an image is in one at most, and only an empty one can go. */
export function collectionRoutes(api: Api, deps: ApiDeps): void {
  const { records } = deps;
  createAndList(api, deps);
  api.get(
    '/api/collections/:id',
    { schema: { tags, params, response, summary: 'A collection.' } },
    async (request) => {
      const found = await records.collections.get(request.params.id);
      if (!found) throw collectionNotFound(request.params.id);
      return collectionView(found);
    },
  );
  api.patch(
    '/api/collections/:id',
    { schema: { tags, params, response, body: CollectionEdit, summary: 'Edits a collection.' } },
    async (request) => {
      const { description, ...rest } = request.body;
      const change = description === undefined ? rest : { ...rest, description: description ?? undefined };
      const changed = await records.collections.update(request.params.id, change);
      if (!changed) throw collectionNotFound(request.params.id);
      return collectionView(changed);
    },
  );
  removal(api, deps);
  relationships(api, deps);
}

function removal(api: Api, { records }: ApiDeps): void {
  api.delete(
    '/api/collections/:id',
    {
      schema: {
        tags,
        params,
        summary: 'Deletes an empty collection.',
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const outcome = await records.collections.remove(id);
      if (outcome === 'absent') throw collectionNotFound(id);
      if (outcome === 'not_empty') {
        const hint = `Take its images out first: DELETE /api/collections/${id}/relationships/images.`;
        throw new Problem('conflict', 'The collection is not empty.', { received: id, hint });
      }
      return reply.code(204).send(null);
    },
  );
}

function createAndList(api: Api, { records }: ApiDeps): void {
  api.post(
    '/api/collections',
    {
      schema: {
        tags,
        body: CollectionBody,
        summary: 'Makes a collection.',
        response: { 201: Collection, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const id = nextId(request) ?? newUlid(Date.now());
      const collection = { id, ...request.body, createdAt: new Date().toISOString() };
      const isNew = await records.collections.create(collection);
      // The same request made it before, and died before it was answered.
      const standing = isNew ? { ...collection, count: 0 } : await records.collections.get(id);
      if (!standing) throw new Problem('conflict', 'The id is taken.');
      const made = collectionView(standing);
      return reply.code(201).header('Location', `/api/collections/${id}`).send(made);
    },
  );
  api.get(
    '/api/collections',
    {
      schema: {
        tags,
        querystring: PageQuery,
        summary: 'Collections, newest first.',
        response: { 200: Collections, ...PROBLEMS },
      },
    },
    async (request) => {
      const { items, next = null } = await records.collections.list({ limit: PAGE, ...request.query });
      return { items: items.map(collectionView), next };
    },
  );
}

function relationships(api: Api, { records }: ApiDeps): void {
  const url = '/api/collections/:id/relationships/images';
  const schema = { tags, params, response, body: Relationships };
  api.post(
    url,
    { schema: { ...schema, summary: 'Puts images into a collection, all or none.' } },
    async (request) => {
      const { id } = request.params;
      return outcomeOf(id, await records.collections.relate(id, request.body.images.map(readId)));
    },
  );
  api.delete(url, { schema: { ...schema, summary: 'Takes images out, all or none.' } }, async (request) => {
    const { id } = request.params;
    return outcomeOf(id, await records.collections.unrelate(id, request.body.images.map(readId)));
  });
}

/** @throws Problem `collection_not_found`, `image_not_found`, `conflict`, naming the images concerned */
function outcomeOf(collection: string, outcome: CollectionRecord | Refusal) {
  if (!('refused' in outcome)) return collectionView(outcome);
  if (outcome.refused === 'collection_absent') throw collectionNotFound(collection);
  const received = outcome.ids.join(' ');
  if (outcome.refused === 'image_absent') throw notFound(received);
  const detail =
    outcome.refused === 'in_another_collection'
      ? `In another collection: ${received}. An image is in one at most.`
      : `Not in this collection: ${received}.`;
  throw new Problem('conflict', detail, { param: 'images', received });
}
