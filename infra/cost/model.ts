import { SIZE_NAMES, SIZES, type Size } from '../sizing.ts';
import { PRICES } from './prices.ts';

/** A month's traffic and what it asks for. */
export interface Traffic {
  size: Size;
  requests: number;
  /** Originals that are kept, and the mean size of one in MB. */
  images: number;
  originalMb: number;
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
  /** Images purged in the month, one path each. */
  purges: number;
  signed: boolean;
  firewall: boolean;
  shield: boolean;
  accessLogs: boolean;
  /** Share of what reaches the tasks that X-Ray is sent; 0 without a collector, which takes 128 MiB of each task. */
  traced: number;
}

/** USD a month by what it is paid for. */
export type Bill = Readonly<Record<string, number>>;

export const COMMON = {
  originalMb: 2,
  meanKb: 40,
  hitRatio: 0.95,
  newVariants: 0.01,
  warmed: 0.5,
  vcpuSecondsPerRender: 0.4,
  peak: 3,
  utilisation: 0.6,
  purges: 500,
  signed: false,
  firewall: true,
  shield: true,
  accessLogs: true,
  traced: 0,
};

export const SECONDS = PRICES.hoursPerMonth * 3600;
const ALARMS = 14;
/** Made of lines of the log. */
const OWN_METRICS = 3;
const SECRETS = 2;
const RULES = 2;
/** GB a million requests: the programs' log, and CloudFront's before and after it is Parquet. */
const LOG_GB = { program: 0.5, access: 0.5, parquet: 0.1 };
/** Calls of the KeyValueStore for a signed URL: whether the key is there, and the key. */
const READS_SIGNED = 2;

export const total = (bill: Bill): number => Object.values(bill).reduce((sum, usd) => sum + usd, 0);

interface Rate {
  vcpuHour: number;
  gbHour: number;
}

/** A task for a month without its address. */
export const taskMonth = ({ cpu, memoryMiB }: { cpu: number; memoryMiB: number }, rate: Rate): number =>
  PRICES.hoursPerMonth * ((cpu / 1024) * rate.vcpuHour + (memoryMiB / 1024) * rate.gbHour);

const addressMonth = PRICES.hoursPerMonth * PRICES.publicAddressHour;

/** vCPUs for so many renders a month, half way between mean and peak: autoscaling follows the day, with a margin. */
export const vcpusFor = (traffic: Traffic, renders: number): number =>
  ((renders / SECONDS) * ((1 + traffic.peak) / 2) * traffic.vcpuSecondsPerRender) / traffic.utilisation;

/** Servers on the average: what the mean load takes at the utilisation aimed at, and the minimum at least. */
export function serverTasks(traffic: Traffic): number {
  const { cpu, minTasks } = SIZES[traffic.size].server;
  const renders = traffic.requests * traffic.newVariants * (1 - traffic.warmed);
  return Math.max(minTasks, Math.ceil(vcpusFor(traffic, renders) / (cpu / 1024)));
}

/** The smallest size whose servers, at their maximum, take the peak. */
export function fittingSize(traffic: Traffic): Size {
  const renders = traffic.requests * traffic.newVariants * (1 - traffic.warmed);
  const peak = ((renders / SECONDS) * traffic.peak * traffic.vcpuSecondsPerRender) / traffic.utilisation;
  const fits = (size: Size) => (SIZES[size].server.maxTasks * SIZES[size].server.cpu) / 1024 >= peak;
  return SIZE_NAMES.find(fits) ?? 'large';
}

/** USD for bytes to viewers; the price of a GB falls with the amount. */
export function egress(gb: number): number {
  let from = 0;
  let usd = 0;
  for (const [upToTb, price] of PRICES.cloudfront.egress) {
    usd += Math.max(0, Math.min(gb, upToTb * 1000) - from) * price;
    from = upToTb * 1000;
  }
  return usd;
}

/** What every service behind CloudFront pays alike, whoever renders. */
export function edgeBill(traffic: Traffic): Bill {
  const { requests, meanKb, purges } = traffic;
  const { cloudfront, firewall } = PRICES;
  return {
    'CloudFront bytes': egress((requests * meanKb) / 1e6),
    'CloudFront requests and function':
      Math.max(0, requests - cloudfront.freeRequests) * cloudfront.request +
      Math.max(0, requests - cloudfront.freeFunctionCalls) * cloudfront.functionCall +
      (traffic.signed ? requests * READS_SIGNED * cloudfront.storeRead : 0),
    invalidations: Math.max(0, purges - cloudfront.freeInvalidations) * cloudfront.invalidation,
    firewall: traffic.firewall ? firewall.acl + RULES * firewall.rule + requests * firewall.request : 0,
    'access logs': traffic.accessLogs
      ? (requests / 1e6) * (LOG_GB.access * cloudfront.parquetGb + LOG_GB.parquet * PRICES.s3.gbMonth)
      : 0,
    'originals in S3': (traffic.images * traffic.originalMb * PRICES.s3.gbMonth) / 1000,
  };
}

/** The balancer, by its dearest dimension: connections or bytes. */
export function balancerMonth({ requests, hitRatio, meanKb }: Traffic): number {
  const { hour, unitHour, bytesPerUnitHour, connectionsPerUnit } = PRICES.balancer;
  const misses = requests * (1 - hitRatio);
  const connections = misses / SECONDS / connectionsPerUnit;
  const bytes = (misses * meanKb * 1000) / PRICES.hoursPerMonth / bytesPerUnitHour;
  return PRICES.hoursPerMonth * (hour + Math.max(connections, bytes) * unitHour);
}

/** A message for twelve variants that are warmed. */
const messagesOf = ({ requests, newVariants, warmed }: Traffic): number =>
  (requests * newVariants * warmed) / 12;

/** Each request that reaches a server is a trace, and each message. */
function traces(traffic: Traffic): number {
  const { requests, hitRatio, traced } = traffic;
  const recorded = (requests * (1 - hitRatio) + messagesOf(traffic)) * traced;
  return Math.max(0, recorded - PRICES.xray.freeTraces) * PRICES.xray.trace;
}

function stores(traffic: Traffic): number {
  const { requests, newVariants, meanKb, hitRatio, warmed } = traffic;
  const made = requests * newVariants;
  const gb = (made * meanKb) / 1e6;
  const s3 = gb * PRICES.s3.gbMonth + made * PRICES.s3.put + requests * (1 - hitRatio) * PRICES.s3.get;
  // A warmed variant is queued, rendering and ready in the table; twelve share a message of three requests.
  const writes = made * warmed * 3;
  const messages = messagesOf(traffic);
  return s3 + writes * (PRICES.dynamodb.write + PRICES.dynamodb.read) + messages * 3 * PRICES.sqsRequest;
}

/** One task on demand, what is beyond it on Spot; the task of the smallest size is paid for as a server. */
function warmers(traffic: Traffic): number {
  const { warmer, together } = SIZES[traffic.size];
  if (together) return 0;
  const renders = traffic.requests * traffic.newVariants * traffic.warmed;
  const seconds = (renders * traffic.vcpuSecondsPerRender) / traffic.utilisation;
  const tasks = Math.max(warmer.minTasks, seconds / SECONDS / (warmer.cpu / 1024));
  const { fargateArm } = PRICES;
  const share = 1 + (tasks - 1) * fargateArm.spotShare;
  return share * taskMonth(warmer, fargateArm) + tasks * addressMonth;
}

/** USD a month for a stage under this traffic. */
export function monthlyCost(traffic: Traffic): Bill {
  const { requests, size, hitRatio } = traffic;
  const { server, warmer, together } = SIZES[size];
  const { cloudfront, fargateArm } = PRICES;
  const misses = requests * (1 - hitRatio);
  const one = taskMonth(server, fargateArm) + (together ? taskMonth(warmer, fargateArm) : 0);
  return {
    'servers (Fargate, on demand)': serverTasks(traffic) * (one + addressMonth),
    'warmers (one on demand, others on Spot)': warmers(traffic),
    'load balancer': balancerMonth(traffic),
    'results in S3, DynamoDB, SQS': stores(traffic),
    'logs, alarms, secrets, metrics':
      (misses / 1e6) * LOG_GB.program * PRICES.logsGb +
      ALARMS * PRICES.alarmMonth +
      OWN_METRICS * PRICES.metricMonth +
      SECRETS * PRICES.secretMonth +
      cloudfront.metricsMonth,
    'traces in X-Ray': traces(traffic),
    'Origin Shield': traffic.shield ? misses * cloudfront.shieldRequest : 0,
    ...edgeBill(traffic),
  };
}
