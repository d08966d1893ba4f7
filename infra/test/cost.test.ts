import t from 'tap';
import { costPage, egress, monthlyCost, SCENARIOS, serverTasks } from '../cost.ts';
import { SIZES } from '../sizing.ts';
import { resources, synthStage } from './support/synth.ts';

t.test('docs/cost.md has the table that the formula gives', async (t) => {
  const { written, current } = costPage();
  t.equal(written, current, 'npm run cost -- --write');
});

t.test('bytes are priced by tier', async (t) => {
  t.equal(egress(1000), 0);
  t.equal(Math.round(egress(2000)), 85);
  t.equal(Math.round(egress(60_000)), 765 + 3200 + 600);
});

t.test('every column fits its size', async (t) => {
  for (const [name, traffic] of Object.entries(SCENARIOS)) {
    const { minTasks, maxTasks } = SIZES[traffic.size].server;
    const tasks = serverTasks(traffic);
    t.ok(tasks >= minTasks && tasks <= maxTasks, name);
    for (const usd of Object.values(monthlyCost(traffic))) t.ok(usd >= 0);
  }
});

t.test('the formula counts what the stack has', async (t) => {
  const stack = await synthStage();
  t.equal(resources(stack, 'aws_cloudwatch_metric_alarm').length, 11);
  t.equal(resources(stack, 'aws_secretsmanager_secret').length, 2);
});
