import Type from 'typebox';
import { FEED_STATUSES } from '../../../feeds/feeds.ts';
import { FEED_KINDS, VANISHED_POLICIES } from '../../../feeds/kinds.ts';
import { nullable, options, time } from './parts.ts';

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
