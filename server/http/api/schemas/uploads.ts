import Type from 'typebox';
import { MAX_TITLE } from '../../../writing/details.ts';
import { PROBLEMS } from '../../image-schema.ts';
import { CollectionId, description, imageStatus, nullable, options, time, title, url } from './parts.ts';
import { requests, Steps, Variant, Variants } from './variants.ts';

/** Fields of an upload, once their JSON is read. */
export const UploadFields = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'Generated when absent.' })),
    title: Type.Optional(title),
    description: Type.Optional(description),
    collection: Type.Optional(CollectionId),
    webhook: Type.Optional(
      Type.String({ maxLength: 2000, description: 'Called when the image is finished.' }),
    ),
    variants: Type.Optional(Variants),
    operations: Type.Optional(Steps),
  },
  options,
);

export const Upload = Type.Object(
  {
    id: Type.String(),
    status: imageStatus,
    title: nullable(title),
    description: nullable(description),
    url,
    statusUrl: url,
    requests,
    variants: Type.Array(Variant),
  },
  { title: 'Upload', description: 'What was taken in, and which variants are made of it.' },
);

const FileRefused = Type.Object(
  { file: Type.String(), problem: Type.Object({}, { additionalProperties: true }) },
  { title: 'FileRefused', description: 'A file that was not taken in, and why.' },
);

const Uploads = Type.Object(
  { images: Type.Array(Type.Union([Upload, FileRefused])) },
  { title: 'Uploads', description: 'What became of each of several files.' },
);

export const UploadAnswer = Type.Union([Upload, Uploads], {
  description: 'Of one file what became of it; of several a list.',
});

const withList = ({ description, content }: (typeof PROBLEMS)[keyof typeof PROBLEMS]) => ({
  description: `${description} Where several files were sent and none is taken, the list of them, with the status of the first.`,
  content: { ...content, 'application/json': { schema: Uploads } },
});

/** Refusals of a call that takes several files. */
export const UPLOAD_PROBLEMS = { '4xx': withList(PROBLEMS['4xx']), '5xx': withList(PROBLEMS['5xx']) };

/** Addresses that one call may name. */
export const MAX_IMPORTS = 1000;

export const ImportBody = Type.Object(
  {
    urls: Type.Array(
      Type.Object(
        {
          url: Type.String({ description: 'https, of a host that IMPORT_HOSTS names.' }),
          id: Type.Optional(Type.String({ description: 'Generated when absent.' })),
          title: Type.Optional(title),
          collection: Type.Optional(CollectionId),
          variants: Type.Optional(Variants),
        },
        options,
      ),
      { minItems: 1, maxItems: MAX_IMPORTS },
    ),
  },
  options,
);

const UrlRefused = Type.Object(
  { url, problem: Type.Object({}, { additionalProperties: true }) },
  { title: 'UrlRefused', description: 'An address that is not fetched from, and why.' },
);

export const Imports = Type.Object(
  { images: Type.Array(Type.Union([Upload, UrlRefused])) },
  { title: 'Imports', description: 'What became of each address, in the order of the request.' },
);

export const PresignBody = Type.Object(
  {
    filename: Type.String({ minLength: 1, maxLength: MAX_TITLE, description: 'Becomes the title.' }),
    contentType: Type.String(),
    size: Type.Integer({ minimum: 1, description: 'Bytes, exactly.' }),
    id: Type.Optional(Type.String()),
    variants: Type.Optional(Variants),
  },
  options,
);

export const Presigned = Type.Object(
  {
    id: Type.String(),
    url,
    fields: Type.Record(Type.String(), Type.String()),
    expires: time,
    statusUrl: url,
  },
  { title: 'Presigned', description: 'A form for one upload, and where its status is read.' },
);
