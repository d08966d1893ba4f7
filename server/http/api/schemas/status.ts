import Type from 'typebox';
import { VARIANTS_PAGE } from '../../../warming/queue.ts';
import { counts, imageStatus, nullable, options } from './parts.ts';
import { requests, variantFields } from './variants.ts';

export const VariantStatus = Type.Object(
  {
    ...variantFields,
    bytes: nullable(Type.Integer()),
    ms: nullable(Type.Number()),
    attempts: Type.Integer(),
    error: nullable(Type.String()),
    expires: nullable(
      Type.String({ description: 'Until when its result is kept; null: for ever, or none.' }),
    ),
  },
  { title: 'VariantStatus', description: 'How far a variant is.' },
);

export const variantsNext = nullable(
  Type.String({ description: 'Cursor of the variants behind these; null where there are none.' }),
);

export const Status = Type.Object(
  {
    id: Type.String(),
    status: imageStatus,
    error: nullable(Type.String()),
    ...counts,
    requests,
    variants: Type.Array(VariantStatus),
    next: variantsNext,
  },
  { title: 'Status', description: 'How far an image and its variants are.' },
);

export const StatusEvents = Type.String({
  title: 'StatusEvents',
  description:
    'Server-sent events. `status`: its data is a Status, once at the beginning and after each change; the last one is finished, and the stream ends. `problem`: its data has `code` and `detail`, and the stream ends. Each has an id; a comment comes when nothing is new for 15 s.',
  examples: [
    'retry: 3000\n\nid: 4f2a9c0d1e3b5a67\nevent: status\ndata: {"id":"a","status":"completed","error":null,"done":0,"total":0,"requests":[],"variants":[],"next":null}\n\n',
  ],
});

/** Load balancers close what is silent for a minute. */
const MAX_WAIT_SECONDS = 50;

/** Which of the variants an answer shows, by their canonical form. */
export const VariantsQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: VARIANTS_PAGE, default: VARIANTS_PAGE })),
    cursor: Type.Optional(Type.String({ minLength: 1, description: '`next` of the page before.' })),
  },
  options,
);

export const StatusQuery = Type.Object(
  {
    ...VariantsQuery.properties,
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_WAIT_SECONDS,
        default: 0,
        description: 'Seconds to wait for the image to be finished.',
      }),
    ),
    key: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'As the `statusUrl` of a presigned upload has it; in place of a token.',
      }),
    ),
  },
  options,
);
