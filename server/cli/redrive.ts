import { redrive as sendAgain } from '../../warmer/redrive.ts';
import { command, JSON_OPTION, UsageError } from './command.ts';
import { DEPLOYMENT_OPTIONS, imagePath } from './deployment.ts';
import { forImages } from './images.ts';
import { withStores } from './local.ts';

export const redrive = command({
  name: 'redrive',
  summary: 'Sends the jobs of the dead-letter queue again, their variants to be rendered anew.',
  about:
    'On the stores that the settings name. With ids: webhook and topic are told of these images once more, on any deployment.',
  operand: {
    name: 'ID',
    min: 0,
    max: Number.POSITIVE_INFINITY,
    doc: 'Images of which was told in vain; - reads them from the input, one a line.',
  },
  options: { ...DEPLOYMENT_OPTIONS, json: JSON_OPTION },
  examples: ['redrive', 'redrive products/shoe.jpg --url https://images.example.com'],
  run: async (invocation) => {
    const { operands, values, output } = invocation;
    if (operands.length > 0)
      return forImages(invocation, async (id, deployment) => {
        await deployment.call('POST', imagePath(id, '/notifications'));
        output.result({ id, told: true }, `${id}: told again`);
      });
    if (values.url !== undefined || values.token !== undefined)
      throw new UsageError(
        'redrive without ids works on the stores of the settings: not with --url or --token.',
      );
    await withStores(values.data, async (stores) => {
      const sent = await sendAgain(stores, (error, id) => output.failed(id, error));
      output.result(sent, `${sent.messages} messages sent again, ${sent.variants} variants queued`);
    });
  },
});
