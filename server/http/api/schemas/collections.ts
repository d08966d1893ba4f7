import Type from 'typebox';
import { description, nullable, options, time } from './parts.ts';

export const CollectionBody = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 200 }), description: Type.Optional(description) },
  options,
);

export const CollectionEdit = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    description: Type.Optional(nullable(description)),
  },
  { ...options, minProperties: 1 },
);

export const Collection = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: nullable(description),
    count: Type.Integer(),
    createdAt: time,
  },
  { title: 'Collection', description: 'A collection, and how many images are in it.' },
);

export const Collections = Type.Object(
  { items: Type.Array(Collection), next: nullable(Type.String()) },
  { title: 'Collections', description: 'A page of collections.' },
);

export const Relationships = Type.Object(
  { images: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 50, uniqueItems: true }) },
  options,
);
