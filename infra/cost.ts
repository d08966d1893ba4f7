import { readFileSync, writeFileSync } from 'node:fs';
import { PRICES } from './prices.ts';
import { SIZES, type Size } from './sizing.ts';

/** A month's traffic and what it asks for. */
export interface Traffic {
  size: Size;
  requests: number;
  meanKb: number;
  /** Share that CloudFront answers itself. */
  hitRatio: number;
  /** Share of requests that are the first of their variant. */
  newVariants: number;
  /** Share of the new variants that the warmer made before. */
  warmed: number;
  vcpuSecondsPerRender: number;
  /** Highest rate over the mean. */
  peak: number;
  /** What autoscaling aims at. */
  utilisation: number;
}

const COMMON = {
  meanKb: 40,
  hitRatio: 0.95,
  warmed: 0.5,
  vcpuSecondsPerRender: 0.4,
  peak: 3,
  utilisation: 0.6,
};

/** The columns of the table. With more traffic fewer requests are new. */
export const SCENARIOS: Readonly<Record<string, Traffic>> = {
  '1 M': { ...COMMON, size: 'small', requests: 1e6, newVariants: 0.01 },
  '100 M': { ...COMMON, size: 'medium', requests: 1e8, newVariants: 0.01 },
  '1 B': { ...COMMON, size: 'large', requests: 1e9, newVariants: 0.005 },
};

const SECONDS = PRICES.hoursPerMonth * 3600;
const ALARMS = 11;
const SECRETS = 2;
const RULES = 2;

/** One task for a month, its public address included. */
function taskMonth(program: 'server' | 'warmer', size: Size): number {
  const { cpu, memoryMiB } = SIZES[size][program];
  const { vcpuHour, gbHour } = PRICES.fargateArm;
  return (
    PRICES.hoursPerMonth * ((cpu / 1024) * vcpuHour + (memoryMiB / 1024) * gbHour + PRICES.publicAddressHour)
  );
}

/** Servers on the average: what the mean load takes at the utilisation aimed at, and the minimum at least. */
export function serverTasks(traffic: Traffic): number {
  const { cpu, minTasks } = SIZES[traffic.size].server;
  const renders = (traffic.requests / SECONDS) * traffic.newVariants * (1 - traffic.warmed);
  // Half way between mean and peak: autoscaling follows the day, with a margin.
  const load = renders * ((1 + traffic.peak) / 2) * traffic.vcpuSecondsPerRender;
  return Math.max(minTasks, Math.ceil(load / traffic.utilisation / (cpu / 1024)));
}

/** USD per GB falls with the amount. */
export function egress(gb: number): number {
  let from = 0;
  let usd = 0;
  for (const [upToTb, price] of PRICES.cloudfront.egress) {
    usd += Math.max(0, Math.min(gb, upToTb * 1000) - from) * price;
    from = upToTb * 1000;
  }
  return usd;
}

function stores({ requests, newVariants, meanKb, hitRatio, warmed }: Traffic): number {
  const made = requests * newVariants;
  const gb = (made * meanKb) / 1e6;
  const s3 = gb * PRICES.s3.gbMonth + made * PRICES.s3.put + requests * (1 - hitRatio) * PRICES.s3.get;
  // A warmed variant is queued, rendering and ready in the table; twelve share a message of three requests.
  const writes = made * warmed * 3;
  return (
    s3 +
    writes * PRICES.dynamodb.write +
    writes * PRICES.dynamodb.read +
    ((made * warmed) / 12) * 3 * PRICES.sqsRequest
  );
}

/** USD a month by what it is paid for. */
export function monthlyCost(traffic: Traffic): Record<string, number> {
  const { requests, size, hitRatio, newVariants, warmed, meanKb } = traffic;
  const { cloudfront, balancer, firewall } = PRICES;
  const misses = requests * (1 - hitRatio);
  const warmSeconds = (requests * newVariants * warmed * traffic.vcpuSecondsPerRender) / traffic.utilisation;
  const { minTasks, cpu } = SIZES[size].warmer;
  const warmers = Math.max(minTasks, warmSeconds / SECONDS / (cpu / 1024));
  const units = Math.max(1, misses / SECONDS / 25);
  return {
    'servers (Fargate, on demand)': serverTasks(traffic) * taskMonth('server', size),
    'warmers (Fargate Spot)': warmers * taskMonth('warmer', size) * PRICES.fargateArm.spotShare,
    'load balancer': PRICES.hoursPerMonth * (balancer.hour + units * balancer.unitHour),
    'S3, DynamoDB, SQS': stores(traffic),
    'logs, alarms, secrets, metrics':
      (misses / 1e6) * 0.5 * PRICES.logsGb +
      ALARMS * PRICES.alarmMonth +
      SECRETS * PRICES.secretMonth +
      cloudfront.metricsMonth,
    'CloudFront bytes': egress((requests * meanKb) / 1e6),
    'CloudFront requests, function, shield':
      Math.max(0, requests - cloudfront.freeRequests) * cloudfront.request +
      Math.max(0, requests - cloudfront.freeFunctionCalls) * cloudfront.functionCall +
      misses * cloudfront.shieldRequest,
    firewall: firewall.acl + RULES * firewall.rule + requests * firewall.request,
  };
}

const dollars = (usd: number): string =>
  usd < 10 ? usd.toFixed(2) : Math.round(usd).toLocaleString('en-US');

/** The table as Markdown. */
export function costTable(): string {
  const columns = Object.values(SCENARIOS).map(monthlyCost);
  const rows = Object.keys(columns[0] ?? {}).map((name) => [
    name,
    ...columns.map((one) => dollars(one[name] ?? 0)),
  ]);
  const totals = columns.map((one) => `**${dollars(Object.values(one).reduce((a, b) => a + b, 0))}**`);
  const sizes = Object.values(SCENARIOS).map((one) => `${one.size}, ${serverTasks(one)} servers`);
  const lines = [
    ['USD a month', ...Object.keys(SCENARIOS)],
    ['---', ...columns.map(() => '---:')],
    ['size', ...sizes],
    ...rows,
    ['**all**', ...totals],
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const PAGE = new URL('../docs/cost.md', import.meta.url);
const MARKED = /(<!-- table -->\n)[\s\S]*?(\n<!-- end -->)/;

/** The page with its table as the formula has it now. */
export function costPage(): { written: string; current: string } {
  const written = readFileSync(PAGE, 'utf8');
  return { written, current: written.replace(MARKED, (_all, start, end) => `${start}${costTable()}${end}`) };
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--write')) writeFileSync(PAGE, costPage().current);
  process.stdout.write(`${costTable()}\n`);
}
