import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS, openDeployment } from './deployment.ts';

/** As the API's schema has it. */
interface Round {
  readonly looked: number;
  readonly queued: number;
  readonly done: boolean;
}

export const rewarm = command({
  name: 'rewarm',
  summary: 'Has variants rendered again whose results have expired or are of a former pipeline.',
  about:
    'Goes through all images, in rounds that are counted; one that was interrupted is gone on with. Warmers do the same by themselves, more slowly (REWARM_VARIANTS).',
  options: { ...DEPLOYMENT_OPTIONS, json: JSON_OPTION },
  examples: ['rewarm', 'rewarm --url https://images.example.com'],
  run: async ({ values, output }) => {
    const deployment = await openDeployment(values);
    let [looked, queued] = [0, 0];
    try {
      for (let done = false; !done; ) {
        // The shape that the API's own schema gives it.
        const round = (await deployment.call('POST', '/api/rewarm')) as Round;
        looked += round.looked;
        queued += round.queued;
        done = round.done;
      }
    } finally {
      await deployment.close();
    }
    output.result({ looked, queued }, `${looked} images looked at, ${queued} variants queued again`);
  },
});
