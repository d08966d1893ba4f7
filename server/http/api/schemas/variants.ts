import Type from 'typebox';
import { nullable, options, url, variantStatus } from './parts.ts';

export const Step = Type.Object(
  {
    type: Type.String({ description: 'Operation, as `resize` or `optimize`.' }),
    params: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    ),
  },
  options,
);

export const Steps = Type.Array(Step, { minItems: 1, maxItems: 32 });

/** A query, a preset as `p=name`, or a list of operations. */
const Wanted = Type.Union([Type.String({ maxLength: 1024 }), Steps]);

export const Variants = Type.Array(Wanted, { maxItems: 100 });

export const variantFields = {
  variant: Type.String({ description: 'Canonical form, format resolved.' }),
  requested: nullable(
    Type.String({
      description: 'What it was last asked for by, as the caller wrote it; null of what every image gets.',
    }),
  ),
  url,
  status: variantStatus,
};

const RequestedVariant = Type.Object(
  {
    requested: Type.String({
      description: 'A query or preset as the caller wrote it; of operations the query that says the same.',
    }),
    url: nullable(
      Type.String({
        description:
          'Address for pages: where no format is asked for, it is negotiated. Null when its preset is gone.',
      }),
    ),
    variants: Type.Array(Type.String(), { description: 'Which of the variants in this answer it leads to.' }),
  },
  { title: 'RequestedVariant', description: 'What a caller has asked for, and where it is found.' },
);

export const requests = Type.Array(RequestedVariant);

export const Variant = Type.Object(variantFields, {
  title: 'Variant',
  description: 'A variant that is made ahead.',
});

export const WarmBody = Type.Object(
  {
    variants: Type.Optional(Type.Array(Wanted, { minItems: 1, maxItems: 100 })),
    operations: Type.Optional(Steps),
  },
  { ...options, minProperties: 1 },
);
