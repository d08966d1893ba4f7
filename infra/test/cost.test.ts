import t from 'tap';
import { ditCost } from '../cost/dit.ts';
import { trafficOf } from '../cost/main.ts';
import { egress, monthlyCost, serverTasks, total } from '../cost/model.ts';
import { costPage, SCENARIOS } from '../cost/page.ts';
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
  t.equal(resources(stack, 'aws_cloudwatch_metric_alarm').length, 14);
  t.equal(resources(stack, 'aws_cloudwatch_log_metric_filter').length, 3);
  t.equal(resources(stack, 'aws_secretsmanager_secret').length, 2);
});

const near = (is: number, wanted: number): boolean => Math.abs(is - wanted) <= wanted / 100;

/** Bills that were added up by hand from the price lists, line by line. */
const BY_HAND: readonly (readonly [args: string, usd: number])[] = [
  // Task 730 × (0.5 × 0.03238 + 2 × 0.00356) = 17.02, address 3.65; balancer 730 × 0.0225 + 730 × 0.008 × 0.0027 = 16.44;
  // made 10,000: 0.4 GB 0.01, puts 0.05, gets 0.02, table 15,000 × 0.75e-6 = 0.01; logs 50,000 × 0.5e-6 × 0.5 = 0.01,
  // alarms 1.40, secrets 0.80, metrics 2.40 + 0.90; access logs 0.5 × 0.035 + 0.1 × 0.023 = 0.02; originals 4 GB = 0.09.
  ['--requests 1M --images 2k --size tiny --no-firewall --no-shield', 42.83],
  // Servers 2 × (17.02 + 3.65) = 41.34, warmer 20.67; balancer 16.425 + 730 × 0.008 × 0.137 = 17.22; made 500,000: 20 GB
  // 0.46, puts 2.50, gets 1.00, table 750,000 × 0.75e-6 = 0.56, messages 62,500 × 0.4e-6 = 0.03; logs 0.625 + 5.50;
  // shield 2.5 M × 0.75e-6 = 1.88; bytes (2,000 − 1,000) × 0.085 = 85; requests 40 M × 1e-6 = 40, calls 48 M × 0.1e-6 = 4.80,
  // reads 100 M × 0.03e-6 = 3.00; firewall 7 + 30 = 37; access logs 0.99; originals 400 GB = 9.20.
  ['--requests 50M --images 200k --size small --signed', 271.78],
];

t.test('the calculator is within a hundredth of a calculation by hand', async (t) => {
  for (const [args, usd] of BY_HAND) {
    const bill = total(monthlyCost(trafficOf(args.split(' '))));
    t.ok(near(bill, usd), `${args}: ${bill.toFixed(2)} and ${usd}`);
  }
});

/**
 * Each line of a large bill, by hand. 250 M misses, 100 M new variants, of which the warmer makes half; a task is
 * 730 × (4 × 0.03238 + 8 × 0.00356) = 115.34 and its address 3.65.
 */
const LARGE = '--requests 5B --images 2M --size large --new-variants 0.02 --purges 20k --traced 0.01';
const LARGE_BY_HAND: Readonly<Record<string, number>> = {
  // 50 M / 2.628 M s × 2 × 0.4 / 0.6 = 25.4 vCPU: 7 tasks.
  'servers (Fargate, on demand)': 7 * 118.99,
  // 12.684 vCPU are 3.171 tasks: one at its price and 2.171 at 0.35 of it, addresses at theirs.
  'warmers (one on demand, others on Spot)': 1.75985 * 115.34 + 3.171 * 3.65,
  // 13.70 GB an hour.
  'load balancer': 730 * (0.0225 + 13.7 * 0.008),
  // 4,000 GB, 100 M puts, 250 M gets, 150 M writes with their reads, 4.17 M messages of three requests.
  'results in S3, DynamoDB, SQS': 92 + 500 + 100 + 112.5 + 5,
  'logs, alarms, secrets, metrics': 62.5 + 1.4 + 0.9 + 0.8 + 2.4,
  // 254.17 M × 0.01, less the 100,000 that are free.
  'traces in X-Ray': 12.21,
  'Origin Shield': 187.5,
  'CloudFront bytes': 9000 * 0.085 + 40_000 * 0.08 + 100_000 * 0.06 + 50_000 * 0.04,
  'CloudFront requests and function': 4990 + 499.8,
  invalidations: 19_000 * 0.005,
  firewall: 7 + 3000,
  'access logs': 5000 * (0.5 * 0.035 + 0.1 * 0.023),
  'originals in S3': 4000 * 0.023,
};

t.test('each line is: Spot’s discount is on no address, purges, keys and traces are paid for', async (t) => {
  const bill = monthlyCost(trafficOf(LARGE.split(' ')));
  t.same(Object.keys(bill).sort(), Object.keys(LARGE_BY_HAND).sort());
  for (const [line, usd] of Object.entries(bill)) {
    const byHand = LARGE_BY_HAND[line] ?? 0;
    t.ok(near(usd, byHand), `${line}: ${usd.toFixed(2)} and ${byHand.toFixed(2)}`);
  }
});

t.test('what is wanted of the price holds', async (t) => {
  const tiny = SCENARIOS['1 M, tiny'];
  t.ok(tiny && total(monthlyCost(tiny)) < 50, 'tiny is under 50 USD at 1 M');
  for (const [name, traffic] of Object.entries(SCENARIOS)) {
    for (const firewall of [false, true]) {
      const ours = total(monthlyCost({ ...traffic, firewall }));
      const theirs = total(ditCost({ ...traffic, firewall }));
      t.ok(ours < theirs, `${name}: ${Math.round(ours)} below ${Math.round(theirs)}`);
    }
  }
});

t.test('every switch has its price', async (t) => {
  const base = trafficOf('--requests 100M --size medium'.split(' '));
  const without = (change: object) => total(monthlyCost(base)) - total(monthlyCost({ ...base, ...change }));
  t.ok(near(without({ firewall: false }), 67), 'firewall');
  t.ok(near(without({ shield: false }), 3.75), 'shield');
  t.ok(near(without({ accessLogs: false }), 1.98), 'access logs');
  // 5 M misses and 42,000 messages, a tenth of them, less the 100,000 that are free: 404,167 × 5e-6.
  t.ok(near(without({ traced: 0.1 }) * -1, 2.02), 'traces');
});

t.test('arguments that say nothing are refused', async (t) => {
  for (const args of [
    '--requests many',
    '--size huge',
    '--hit-ratio 95',
    '--images -1',
    '--color red',
    '--requests 1e6',
    '--traced 5',
  ])
    t.throws(() => trafficOf(args.split(' ')), Error, args);
});
