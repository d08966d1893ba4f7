import Type from 'typebox';
import { nullable, options } from './parts.ts';

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
