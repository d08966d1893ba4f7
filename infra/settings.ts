import { ROLE } from '../server/shared/sources.ts';
import { choice, flag, integer, list, optional, type Parse, text, variables } from './parse.ts';
import { SIZE_NAMES } from './sizing.ts';

/** Regions where CloudFront runs Origin Shield; elsewhere the nearest of these must be named. */
export const SHIELD_REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-2',
  'ap-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'eu-central-1',
  'eu-west-1',
  'eu-west-2',
  'me-central-1',
  'sa-east-1',
] as const;

const EMAIL = /^[^@\s,]+@[^@\s,]+\.[^@\s,]+$/;
const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** For stacks of which no task is ever started. */
export const NO_IMAGE = `none.invalid/none@sha256:${'0'.repeat(64)}`;
const IMAGE = /^[\w.-]+(:\d+)?(\/[\w.-]+)+@sha256:[0-9a-f]{64}$/;
const COLLECTOR = /^[\w.-]+(:\d+)?(\/[\w.-]+)+(:[\w.-]+|@sha256:[0-9a-f]{64})$/;
const ORIGIN = /^(\*|https?:\/\/[^/\s,]+)$/;

const secretArn = optional(
  /^arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+$/,
  'the ARN of a secret',
);

interface Setting<T> {
  parse: Parse<T>;
  fallback: T;
  about: string;
}

const setting = <T>(parse: Parse<T>, fallback: NoInfer<T>, about: string): Setting<T> => ({
  parse,
  fallback,
  about,
});

/** One row per variable of a stage: `stages.json` by this name, or `RENDITION_` + the name in upper case. */
export const SETTINGS = {
  region: setting(text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-central-1'), 'us-east-1', 'Region.'),
  state_bucket: setting(optional(BUCKET, 'a bucket name'), '', 'State bucket; empty keeps state on disk.'),
  image: setting(optional(IMAGE, 'repository@sha256:digest'), '', 'Image of server and warmer, by digest.'),
  size: setting(choice(SIZE_NAMES), 'small', 'Row of the sizing table.'),
  protect: setting(flag, true, 'Refuse to delete what holds data.'),
  origin_order: setting(
    choice(['results-first', 'server-first']),
    'results-first',
    'Which origin answers first.',
  ),
  shield: setting(flag, true, 'Whether misses go through Origin Shield.'),
  shield_region: setting(optional(/^[a-z-]+\d$/, 'a region'), '', 'Origin Shield; empty means the region.'),
  firewall: setting(flag, true, 'Whether a firewall counts and refuses.'),
  min_servers: setting(integer(0, 100), 0, 'Fewest servers; 0 means what the size has.'),
  zones: setting(
    list(/^[a-z]{2,5}\d-az\d$/, 'zone ids such as use1-az4'),
    [],
    'Availability zones by id; empty chooses once.',
  ),
  price_class: setting(
    choice(['PriceClass_100', 'PriceClass_200', 'PriceClass_All']),
    'PriceClass_100',
    'Edge locations.',
  ),
  signed: setting(flag, false, 'Serve only URLs that are signed.'),
  domain: setting(optional(HOST, 'a host name'), '', 'Custom domain; empty uses the CloudFront name.'),
  certificate_arn: setting(
    optional(
      /^arn:aws[\w-]*:acm:us-east-1:\d{12}:certificate\/[\w-]+$/,
      'an ACM certificate ARN in us-east-1',
    ),
    '',
    'Certificate for the domain; empty makes one.',
  ),
  hosted_zone: setting(
    optional(/^Z[A-Z0-9]{5,31}$/, 'a Route 53 zone id'),
    '',
    'Zone for the domain and its proof.',
  ),
  originals_bucket: setting(optional(BUCKET, 'a bucket name'), '', 'An existing bucket; empty makes one.'),
  feed_buckets: setting(
    list(BUCKET, 'bucket names'),
    [],
    'Buckets of others that warmers read: those of feeds, and that of WATCH.',
  ),
  feed_roles: setting(
    list(ROLE, 'ARNs of roles'),
    [],
    'Roles that read buckets of feeds, which warmers may assume.',
  ),
  cors_origins: setting(
    list(ORIGIN, 'origins such as https://example.com'),
    [],
    'Pages that may upload to S3 and call the API; CORS_ORIGINS of the programs.',
  ),
  result_days: setting(integer(1, 3650), 90, 'Days a stored variant is kept.'),
  log_days: setting(choice(['7', '14', '30', '90', '365']), '30', 'Days a log line is kept.'),
  access_logs: setting(flag, true, 'Whether CloudFront and the firewall write logs.'),
  network_logs: setting(flag, false, 'Whether the balancer and the network write logs.'),
  collector_image: setting(
    optional(COLLECTOR, 'repository:tag or repository@sha256:digest'),
    '',
    'Image of an OpenTelemetry collector beside each task, which sends traces to X-Ray; empty: none.',
  ),
  trace_percent: setting(integer(1, 100), 5, 'Of a hundred requests or jobs so many are traced.'),
  rate_limit: setting(integer(100, 2_000_000), 20_000, 'Requests one address may make in five minutes.'),
  alarm_email: setting(optional(EMAIL, 'an e-mail address'), '', 'Who is told of alarms and the budget.'),
  webhook_secret_arn: setting(secretArn, '', 'Secret that signs webhooks; empty refuses webhooks.'),
  source_headers_arn: setting(
    secretArn,
    '',
    'Secret with the headers that sources are sent; empty sends none.',
  ),
  notify_email: setting(optional(EMAIL, 'an e-mail address'), '', 'Who is told of finished images.'),
  budget_usd: setting(integer(0, 10_000_000), 0, 'Monthly budget in USD; 0 sets none.'),
  repository: setting(optional(/^[\w.-]+\/[\w.-]+$/, 'owner/name'), '', 'GitHub repository that may deploy.'),
  github_provider: setting(
    choice(['make', 'existing']),
    'make',
    'An account has one provider of GitHub’s identities: made here, or there already.',
  ),
  replica_of: setting(
    optional(/^[a-z][a-z0-9]{1,9}$/, 'a stage'),
    '',
    'Stage whose pictures this one reads in a second region.',
  ),
  environment: setting(variables, {}, 'Further settings of the programs.'),
} as const;

export type SettingName = keyof typeof SETTINGS;
export type Settings = { readonly [K in SettingName]: ReturnType<(typeof SETTINGS)[K]['parse']> };
export type Values = Readonly<Record<string, unknown>>;

export const variableName = (name: string): string => `RENDITION_${name.toUpperCase()}`;
