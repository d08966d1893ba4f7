import Type from 'typebox';
import { MAX_ID_BYTES } from '../../../core/query/id.ts';
import {
  CollectionId,
  counts,
  description,
  imageStatus,
  nullable,
  options,
  PageQuery,
  time,
  title,
  url,
} from './parts.ts';
import { VariantStatus, variantsNext } from './status.ts';
import { requests } from './variants.ts';

const Focal = Type.Object(
  { x: Type.Number({ minimum: 0, maximum: 1 }), y: Type.Number({ minimum: 0, maximum: 1 }) },
  { ...options, title: 'Focal', description: 'Fractions of the upright image, from its top left.' },
);

const Original = Type.Object(
  {
    contentType: Type.String(),
    format: Type.String(),
    bytes: Type.Integer(),
    width: Type.Integer(),
    height: Type.Integer(),
    frames: Type.Integer(),
    placeholder: Type.Optional(Type.String({ description: 'Base64 ThumbHash.' })),
    color: Type.Optional(Type.String({ description: 'Dominant colour, #rrggbb.' })),
  },
  {
    title: 'Original',
    description: 'The file as it was uploaded; placeholder and colour where they were measured.',
  },
);

const Source = Type.Object(
  {
    url,
    checkedAt: nullable(Type.String({ description: 'When its server last said what is current.' })),
    error: nullable(Type.String({ description: 'Why it could not say so since.' })),
  },
  { title: 'Source', description: 'Where an original was fetched from.' },
);

const imageFields = {
  id: Type.String(),
  status: imageStatus,
  title: nullable(title),
  description: nullable(description),
  collection: nullable(Type.String()),
  focal: nullable(Focal),
  url,
  statusUrl: url,
  original: nullable(Original),
  version: nullable(Type.String()),
  error: nullable(Type.String()),
  undelivered: nullable(
    Type.String({
      description: 'Who could not be told that the image is finished, and why it was given up.',
    }),
  ),
  ...counts,
  source: nullable(Source),
  vanishedAt: nullable(
    Type.String({ description: 'Since when the feed that brought it does not list it any more.' }),
  ),
  createdAt: time,
  updatedAt: time,
};

export const Image = Type.Object(
  { ...imageFields, requests, variants: Type.Array(VariantStatus), next: variantsNext },
  { title: 'Image', description: 'What is known of an image.' },
);

export const ImageSummary = Type.Object(imageFields, {
  title: 'ImageSummary',
  description: 'An image without its variants.',
});

export const Images = Type.Object(
  {
    items: Type.Array(ImageSummary),
    next: nullable(Type.String({ description: 'Cursor of the next page; null on the last.' })),
  },
  { title: 'Images', description: 'A page of images, without their variants.' },
);

export const ImagesQuery = Type.Object(
  {
    ...PageQuery.properties,
    collection: Type.Optional(CollectionId),
    status: Type.Optional(imageStatus),
    prefix: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_ID_BYTES,
        description: `What ids begin with, ${MAX_ID_BYTES} bytes at most; the list is in their order.`,
      }),
    ),
    text: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description:
          'Somewhere in id or title, in upper or lower case. A page looks at some 1,000 images and may be empty: `next` says how far it looked.',
      }),
    ),
  },
  options,
);

export const Edit = Type.Object(
  {
    title: Type.Optional(nullable(title)),
    description: Type.Optional(nullable(description)),
    focal: Type.Optional(nullable(Focal)),
    collection: Type.Optional(nullable(CollectionId)),
  },
  { ...options, minProperties: 1, description: 'null removes.' },
);
