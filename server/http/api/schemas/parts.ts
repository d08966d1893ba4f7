import Type, { type TSchema } from 'typebox';
import { IMAGE_STATUSES } from '../../../stores/images.ts';
import { VARIANT_STATUSES } from '../../../stores/variants.ts';
import { MAX_TITLE } from '../../../writing/details.ts';

/** Shapes of the management API: validation, types and the OpenAPI document come from here. */
// Shapes of the management API: validation, types and the OpenAPI document come from this folder.

/** Items of a page when nobody says how many. */
export const PAGE = 50;

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const options = { additionalProperties: false } as const;

export const title = Type.String({ maxLength: MAX_TITLE });

export const description = Type.String({ maxLength: 2000 });

export const time = Type.String({ description: 'ISO 8601.' });

export const url = Type.String();

export const imageStatus = Type.Enum([...IMAGE_STATUSES]);

export const variantStatus = Type.Enum([...VARIANT_STATUSES]);

export const Id = Type.String({
  description:
    'Id of an image. Its slashes may be written as %2F, and must be where it ends in the name of an action.',
});

/** Ours have 26 characters; a store may take offence at one that is as long as a URL can be. */
export const CollectionId = Type.String({ maxLength: 64, description: 'Id of a collection.' });

export const counts = {
  done: Type.Integer({ description: 'Variants that are neither queued nor being rendered.' }),
  total: Type.Integer({ description: 'Variants, on all pages.' }),
};

export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: PAGE })),
    cursor: Type.Optional(Type.String({ minLength: 1, description: '`next` of the page before.' })),
  },
  options,
);
