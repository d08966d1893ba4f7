import Type, { type TSchema } from 'typebox';
import { MAX_ID_BYTES } from '../../core/query/id.ts';
import { FEED_KINDS, VANISHED_POLICIES } from '../../feeds/definition.ts';
import { FEED_STATUSES } from '../../feeds/feeds.ts';
import { IMAGE_STATUSES, VARIANT_STATUSES } from '../../stores/contracts.ts';
import { VARIANTS_PAGE } from '../../warming/queue.ts';
import { MAX_TITLE } from '../../writing/details.ts';
import { SIGNATURE_FORMS } from '../../writing/signing.ts';
import { PROBLEMS } from '../image-schema.ts';

/** Shapes of the management API: validation, types and the OpenAPI document come from here. */

/** Items of a page when nobody says how many. */
export const PAGE = 50;

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const options = { additionalProperties: false } as const;
const title = Type.String({ maxLength: MAX_TITLE });
const description = Type.String({ maxLength: 2000 });
const time = Type.String({ description: 'ISO 8601.' });
const url = Type.String();
const imageStatus = Type.Enum([...IMAGE_STATUSES]);
const variantStatus = Type.Enum([...VARIANT_STATUSES]);

export const Id = Type.String({
  description:
    'Id of an image. Its slashes may be written as %2F, and must be where it ends in the name of an action.',
});

/** Ours have 26 characters; a store may take offence at one that is as long as a URL can be. */
export const CollectionId = Type.String({ maxLength: 64, description: 'Id of a collection.' });

export const Step = Type.Object(
  {
    type: Type.String({ description: 'Operation, as `resize` or `optimize`.' }),
    params: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    ),
  },
  options,
);
const Steps = Type.Array(Step, { minItems: 1, maxItems: 32 });

/** A query, a preset as `p=name`, or a list of operations. */
const Wanted = Type.Union([Type.String({ maxLength: 1024 }), Steps]);
export const Variants = Type.Array(Wanted, { maxItems: 100 });

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

const variantFields = {
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
const requests = Type.Array(RequestedVariant);

const counts = {
  done: Type.Integer({ description: 'Variants that are neither queued nor being rendered.' }),
  total: Type.Integer({ description: 'Variants, on all pages.' }),
};

export const Variant = Type.Object(variantFields, {
  title: 'Variant',
  description: 'A variant that is made ahead.',
});

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

const variantsNext = nullable(
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

export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: PAGE })),
    cursor: Type.Optional(Type.String({ minLength: 1, description: '`next` of the page before.' })),
  },
  options,
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

export const WarmBody = Type.Object(
  {
    variants: Type.Optional(Type.Array(Wanted, { minItems: 1, maxItems: 100 })),
    operations: Type.Optional(Steps),
  },
  { ...options, minProperties: 1 },
);

/** Of one round, when nobody says how many. */
export const REWARM_VARIANTS = 1000;

export const RewarmQuery = Type.Object(
  {
    variants: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        default: REWARM_VARIANTS,
        description: 'To be queued in this round.',
      }),
    ),
  },
  options,
);

export const RewarmAnswer = Type.Object(
  {
    looked: Type.Integer({ description: 'Images that were looked at.' }),
    queued: Type.Integer({ description: 'Variants that are made again.' }),
    done: Type.Boolean({ description: 'Whether the last image was reached.' }),
  },
  { title: 'RewarmAnswer', description: 'How far this round has come.' },
);

const warmSetFields = {
  asked: Type.Number({
    description: 'First visits of a picture in a form that were counted; older ones count less.',
  }),
  forms: Type.Array(
    Type.Object(
      {
        variant: Type.String(),
        share: Type.Number({ description: 'Of what is asked for, 0-1.' }),
        isWarmed: Type.Boolean({ description: 'Whether it is one that `learned` warms.' }),
        ms: nullable(
          Type.Number({ description: 'Of a render, mean; null where nobody has waited for one.' }),
        ),
        bytes: Type.Integer({ description: 'Of a result, mean.' }),
      },
      { title: 'AskedForm', description: 'A form that is asked for.' },
    ),
  ),
  perImage: Type.Object(
    { variants: Type.Integer(), ms: Type.Number(), bytes: Type.Integer() },
    { title: 'WarmCost', description: 'What warming a new image in these forms takes.' },
  ),
  saves: Type.Object(
    {
      share: Type.Number({ description: 'Of first visits, those that find their picture made.' }),
      ms: Type.Number({ description: 'That a first visit waits less, mean.' }),
    },
    { title: 'WarmSaving', description: 'What that spares those who ask first.' },
  ),
};

export const WarmSetAnswer = Type.Object(
  {
    isUsed: Type.Boolean({ description: 'Whether WARM_DEFAULTS has `learned`.' }),
    leastAsked: Type.Integer({ description: 'Where fewer were asked for, nothing is learned yet.' }),
    ...warmSetFields,
    prefixes: Type.Array(
      Type.Object(
        { prefix: Type.String({ description: 'First segment of ids.' }), ...warmSetFields },
        { title: 'PrefixWarmSet', description: 'The same of the images under a prefix.' },
      ),
      { description: 'Those asked for most; where enough is asked for, their own set is warmed.' },
    ),
  },
  { title: 'WarmSetAnswer', description: 'What is asked for, over all images and by prefix.' },
);

export const FeedName = Type.String({ maxLength: 40, description: 'Name of a feed.' });

export const FeedRunQuery = Type.Object(
  {
    vanished: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Let what its last run has held vanish, unless it lists nothing at all; what is missing since counts anew.',
      }),
    ),
    heldBy: Type.Optional(
      Type.String({
        maxLength: 40,
        description: '`startedAt` of the run whose `held` was looked at: 409 `conflict` after another one.',
      }),
    ),
  },
  options,
);

const FeedRun = Type.Object(
  {
    startedAt: time,
    finishedAt: nullable(Type.String({ description: 'null while it is under way.' })),
    seen: Type.Integer({ description: 'Pictures that were listed and dealt with.' }),
    new: Type.Integer(),
    changed: Type.Integer(),
    pending: Type.Integer({ description: 'Still to be fetched, or to be asked for.' }),
    vanished: Type.Integer({ description: 'Marked or deleted, where the feed says so.' }),
    failed: Type.Integer(),
    reasons: Type.Array(
      Type.Object(
        { from: Type.String(), error: Type.String() },
        { title: 'FeedFailure', description: 'A picture that could not be brought in, and why.' },
      ),
      { description: 'Of the first of those that failed.' },
    ),
    error: nullable(Type.String({ description: 'Why the feed could not be read; nothing was changed.' })),
    held: nullable(
      Type.Object(
        {
          vanished: Type.Integer(),
          of: Type.Integer(),
          examples: Type.Array(Type.String({ description: 'Ids.' })),
        },
        { title: 'FeedHeld', description: 'So many would vanish that a person is to say so.' },
      ),
    ),
  },
  { title: 'FeedRun', description: 'What a run of a feed came to.' },
);

export const FeedAnswer = Type.Object(
  {
    name: Type.String(),
    kind: Type.Enum([...FEED_KINDS]),
    from: Type.String(),
    everyMinutes: Type.Integer(),
    vanished: Type.Enum([...VANISHED_POLICIES]),
    status: Type.Enum([...FEED_STATUSES]),
    nextRun: nullable(Type.String({ description: 'When it is due; null while it runs or was asked for.' })),
    run: nullable(FeedRun),
  },
  { title: 'Feed', description: 'A list of pictures elsewhere, and how its last run went.' },
);

export const FeedsAnswer = Type.Object(
  {
    readAt: nullable(
      Type.String({ description: 'When the list of feeds last changed; null: none is watched.' }),
    ),
    error: nullable(Type.String({ description: 'Why the list of feeds cannot be read; no feed is run.' })),
    items: Type.Array(FeedAnswer),
  },
  { title: 'Feeds', description: 'All feeds.' },
);

export const PurgeQuery = Type.Object(
  {
    warm: Type.Optional(
      Type.Boolean({ default: false, description: 'Render at once what was ready before.' }),
    ),
  },
  options,
);

export const PurgeAnswer = Type.Object(
  {
    results: Type.Object({ removed: Type.Integer() }),
    memory: Type.Object({ removed: Type.Integer(), elsewhereWithinSeconds: Type.Integer() }),
    edge: Type.Object({
      status: Type.Enum(['not configured', 'queued'], {
        description: 'A job asks the CDN, again and again until it has taken it.',
      }),
    }),
  },
  { title: 'PurgeAnswer', description: 'What was done in each tier.' },
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

/** Ten years: what is to last longer has no end. */
const MAX_EXPIRES_SECONDS = 315_360_000;

export const SignBody = Type.Object(
  {
    urls: Type.Array(Type.String({ maxLength: 4096 }), {
      minItems: 1,
      maxItems: 100,
      description:
        '`/img/<id>?<query>`, or URLs with this path, escaped as pages write them; without kid, exp and sig.',
    }),
    expiresIn: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_EXPIRES_SECONDS,
        description: 'Seconds from now at which they end; never when absent.',
      }),
    ),
    kid: Type.Optional(
      Type.String({ maxLength: 64, description: 'Name of the key; the first when absent.' }),
    ),
    form: Type.Optional(
      Type.Enum([...SIGNATURE_FORMS], {
        default: 'canonical',
        description: 'canonical: good for every spelling of the picture; written: for the URL as it is.',
      }),
    ),
  },
  options,
);

export const Signed = Type.Object(
  {
    urls: Type.Array(url, { description: 'In the order of the request.' }),
    kid: Type.String(),
    exp: nullable(Type.Integer({ description: 'Unix seconds.' })),
  },
  { title: 'Signed', description: 'Signed addresses.' },
);

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

export { PROBLEMS };
