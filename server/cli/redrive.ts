import { redrive as sendAgain } from '../../warmer/redrive.ts';
import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS } from './deployment.ts';
import { withStores } from './local.ts';

export const redrive = command({
  name: 'redrive',
  summary: 'Sends the jobs of the dead-letter queue again, their variants to be rendered anew.',
  about: 'On the stores that the settings name.',
  options: { data: DEPLOYMENT_OPTIONS.data, json: JSON_OPTION },
  examples: ['redrive'],
  run: ({ values: { data }, output }) =>
    withStores(data, async (stores) => {
      const sent = await sendAgain(stores, (error, id) => output.failed(id, error));
      output.result(sent, `${sent.messages} messages sent again, ${sent.variants} variants queued`);
    }),
});
