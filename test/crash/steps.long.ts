import t from 'tap';
import { Deployment } from './deployment.ts';
import { killedAt, STEPS } from './steps.ts';

t.test('a warmer that is killed at any step of a job', async (t) => {
  const deployment = await Deployment.open();
  t.teardown(() => deployment.close());
  await deployment.startServer();
  for (const step of Object.keys(STEPS)) await t.test(step, (t) => killedAt(t, step, deployment));
});
