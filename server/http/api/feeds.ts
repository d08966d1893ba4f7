import Type from 'typebox';
import type { DescribedFeed } from '../../feeds/feeds.ts';
import type { Summary } from '../../feeds/state.ts';
import { PROBLEMS } from '../image-schema.ts';
import type { Api, ApiDeps } from './context.ts';
import { FeedAnswer, FeedName, FeedRunQuery, FeedsAnswer } from './schemas/feeds.ts';

const tags = ['management'];

/** Lists of pictures elsewhere, and how bringing them in goes. */
export function feedRoutes(api: Api, { feeds }: ApiDeps): void {
  api.get(
    '/api/feeds',
    {
      schema: {
        tags,
        summary: 'Feeds, and what their last runs came to.',
        response: { 200: FeedsAnswer, ...PROBLEMS },
      },
    },
    async () => {
      const { readAt = null, error = null, feeds: items = [] } = (await feeds.list()) ?? {};
      return { readAt, error, items: items.map(feedView) };
    },
  );
  api.post(
    '/api/feeds/:name/run',
    {
      config: { changesOriginals: true },
      schema: {
        tags,
        params: Type.Object({ name: FeedName }),
        querystring: FeedRunQuery,
        summary: 'Has a feed run at once; with `vanished` what is held may vanish.',
        response: { 202: FeedAnswer, ...PROBLEMS },
      },
    },
    async ({ params: { name }, query: { vanished = false, heldBy } }, reply) =>
      reply.code(202).send(feedView(await feeds.request(name, { vanishes: vanished, heldBy }))),
  );
}

function feedView({ feed, status, state, nextRun }: DescribedFeed) {
  const { name, kind, from, everyMinutes, vanished } = feed;
  return {
    name,
    kind,
    from,
    everyMinutes,
    vanished,
    status,
    nextRun: nextRun?.toISOString() ?? null,
    run: state ? runView(state.summary) : null,
  };
}

const runView = ({ finishedAt, error, held, reasons, ...run }: Summary) => ({
  ...run,
  finishedAt: finishedAt ?? null,
  reasons: [...reasons],
  error: error ?? null,
  held: held ? { ...held, examples: [...held.examples] } : null,
});
