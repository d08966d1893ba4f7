import { UploadFields } from './schemas/uploads.ts';

/** How forms are documented; their parts are read as they come, and what they hold is checked there. */
const FILE = { type: 'string', format: 'binary' } as const;

const formOf = (schema: object) => ({
  consumes: ['multipart/form-data'],
  body: { type: 'object', required: ['file'], ...schema },
});

const { variants: _variants, operations: _operations, ...texts } = UploadFields.properties;

export const UPLOAD_FORM = formOf({
  description:
    'Fields before the files save a copy inside the store. A field that is not listed is refused unless it is a file.',
  properties: {
    file: {
      type: 'array',
      minItems: 1,
      items: FILE,
      description: 'One part for each file, whatever its name; of one with an id there is one.',
    },
    ...texts,
    variants: {
      type: 'array',
      maxItems: 100,
      items: { type: 'string' },
      description:
        'A query or preset (p=name) for each part; or one part with a JSON list of queries, presets and lists of operations.',
    },
    operations: {
      type: 'string',
      contentMediaType: 'application/json',
      description: 'A JSON list of {"type", "params"}: one more variant.',
    },
  },
});

export const ORIGINAL_FORM = formOf({ properties: { file: FILE } });

export const PRESIGNED_FORM = formOf({
  description: 'All `fields` of the presigned answer, then the file as the last part.',
  properties: { file: FILE },
  additionalProperties: { type: 'string' },
});
