import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS, openDeployment } from './deployment.ts';

export const explain = command({
  name: 'explain',
  summary: 'Says what a URL would do, without doing it: format, geometry, cost, and whether it is allowed.',
  operand: { name: 'URL', min: 1, max: 1, doc: 'ID?QUERY, escaped as in a URL, or all of an address.' },
  options: { ...DEPLOYMENT_OPTIONS, json: JSON_OPTION },
  examples: ["explain 'products/shoe.jpg?w=800&fmt=auto'"],
  run: async ({ operands: [url = ''], values, output }) => {
    const deployment = await openDeployment(values);
    try {
      const path = url.replace(/^https?:\/\/[^/]*/, '').replace(/^\/?(img\/)?/, '');
      const answer = await deployment.call('GET', `/api/explain/${path}`);
      output.result(Object(answer), JSON.stringify(answer, null, 2));
    } finally {
      await deployment.close();
    }
  },
});
