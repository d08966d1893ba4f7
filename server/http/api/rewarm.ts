import { Problem } from '../../shared/errors.ts';
import { PROBLEMS } from '../image-schema.ts';
import type { Api, ApiDeps } from './context.ts';
import { REWARM_VARIANTS, RewarmAnswer, RewarmQuery } from './schemas/upkeep.ts';

/** Making again what was asked for and has expired. */
export function rewarmRoutes(api: Api, { rewarm }: ApiDeps): void {
  api.post(
    '/api/rewarm',
    {
      schema: {
        tags: ['management'],
        summary:
          'Queues variants again whose results have expired or are of a former pipeline; to be called until `done`.',
        querystring: RewarmQuery,
        response: { 200: RewarmAnswer, ...PROBLEMS },
      },
    },
    async ({ query: { variants = REWARM_VARIANTS } }) => {
      const round = await rewarm.round({ variants });
      if (round) return round;
      throw new Problem('overloaded', 'Another process is at it; try again in 2 s.', {
        retryAfterSeconds: 2,
      });
    },
  );
}
