import { LEAST_ASKED, type WarmSet } from '../../warming/warm-set.ts';
import { PROBLEMS } from '../image-schema.ts';
import type { Api, ApiDeps } from './context.ts';
import { WarmSetAnswer } from './schemas/upkeep.ts';

/** What pages ask for, and what making it ahead would cost and save. */
export function warmSetRoutes(api: Api, { warmSets, demand }: ApiDeps): void {
  api.get(
    '/api/warm-set',
    {
      schema: {
        tags: ['management'],
        summary: 'Forms that are asked for, and what warming new images in them would cost and save.',
        response: { 200: WarmSetAnswer, ...PROBLEMS },
      },
    },
    async () => {
      await demand.flush();
      const { isUsed, prefixes, ...all } = await warmSets.report();
      return {
        isUsed,
        leastAsked: LEAST_ASKED,
        ...view(all),
        prefixes: prefixes.map(({ prefix, ...set }) => ({ prefix, ...view(set) })),
      };
    },
  );
}

const fraction = (value: number): number => Math.round(value * 10_000) / 10_000;
const tenth = (value: number): number => Math.round(value * 10) / 10;

const view = ({ asked, forms, perImage, saves }: WarmSet) => ({
  asked: tenth(asked),
  forms: forms.map(({ variant, share, isWarmed, ms, bytes }) => ({
    variant,
    share: fraction(share),
    isWarmed,
    ms: ms === undefined ? null : tenth(ms),
    bytes: Math.round(bytes),
  })),
  perImage: { ...perImage, ms: tenth(perImage.ms), bytes: Math.round(perImage.bytes) },
  saves: { share: fraction(saves.share), ms: tenth(saves.ms) },
});
