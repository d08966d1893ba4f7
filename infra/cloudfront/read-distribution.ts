import type {
  Behaviour,
  CachePolicy,
  Distribution,
  Group,
  Names,
  Origin,
  OriginRequestPolicy,
  PolicyHeader,
} from './distribution.ts';
import { plainText, type Stack } from './stack.ts';

interface RawNames {
  items?: string[];
}

interface RawSelection {
  headers_config?: { header_behavior: string; headers?: RawNames };
  query_strings_config?: { query_string_behavior: string; query_strings?: RawNames };
}

interface RawCachePolicy {
  min_ttl: number;
  default_ttl: number;
  max_ttl: number;
  parameters_in_cache_key_and_forwarded_to_origin: RawSelection & {
    enable_accept_encoding_gzip?: boolean;
    enable_accept_encoding_brotli?: boolean;
  };
}

interface RawBehaviour {
  path_pattern?: string;
  allowed_methods: string[];
  cached_methods: string[];
  compress?: boolean;
  cache_policy_id: string;
  origin_request_policy_id?: string;
  response_headers_policy_id?: string;
  function_association?: { event_type: string; function_arn: string }[];
  target_origin_id: string;
}

interface RawHeadersPolicy {
  cors_config?: {
    access_control_allow_credentials: boolean;
    access_control_allow_headers: RawNames;
    access_control_allow_methods: RawNames;
    access_control_allow_origins: RawNames;
    access_control_expose_headers?: RawNames;
    access_control_max_age_sec?: number;
    origin_override: boolean;
  };
  security_headers_config?: {
    content_security_policy?: { content_security_policy: string; override: boolean };
    content_type_options?: { override: boolean };
    strict_transport_security?: { access_control_max_age_sec: number; override: boolean };
  };
  custom_headers_config?: { items: { header: string; value: string; override: boolean }[] };
}

interface RawOrigin {
  origin_id: string;
  domain_name: string;
  connection_attempts?: number;
  connection_timeout?: number;
  custom_header?: { name: string; value: string }[];
  vpc_origin_config?: { origin_read_timeout?: number };
  custom_origin_config?: { origin_read_timeout?: number };
}

interface RawDistribution {
  default_cache_behavior: RawBehaviour;
  ordered_cache_behavior?: RawBehaviour[];
  origin: RawOrigin[];
  origin_group?: {
    origin_id: string;
    failover_criteria: { status_codes: number[] };
    member: { origin_id: string }[];
  }[];
  custom_error_response?: {
    error_code: number;
    error_caching_min_ttl?: number;
    response_code?: number;
    response_page_path?: string;
  }[];
}

const RULES: Readonly<Record<string, Names['rule']>> = {
  none: 'none',
  all: 'all',
  allViewer: 'all',
  whitelist: 'only',
  allExcept: 'except',
};

function names(behaviour: string | undefined, listed: RawNames | undefined): Names {
  const rule = RULES[behaviour ?? 'none'];
  if (!rule) throw new Error(`This model does not know ${behaviour}`);
  return { rule, names: (listed?.items ?? []).map((name) => name.toLowerCase()) };
}

const selection = (raw: RawSelection): OriginRequestPolicy => ({
  headers: names(raw.headers_config?.header_behavior, raw.headers_config?.headers),
  queries: names(raw.query_strings_config?.query_string_behavior, raw.query_strings_config?.query_strings),
});

function cachePolicy({
  parameters_in_cache_key_and_forwarded_to_origin: raw,
  ...ttl
}: RawCachePolicy): CachePolicy {
  return {
    minTtl: ttl.min_ttl,
    defaultTtl: ttl.default_ttl,
    maxTtl: ttl.max_ttl,
    ...selection(raw),
    gzip: raw.enable_accept_encoding_gzip ?? false,
    brotli: raw.enable_accept_encoding_brotli ?? false,
  };
}

function corsHeaders({ cors_config: cors }: RawHeadersPolicy): PolicyHeader[] {
  if (!cors) return [];
  const list = ({ items = [] }: RawNames = {}): string => items.join(', ');
  const rows: [name: string, value: string][] = [
    ['access-control-allow-origin', list(cors.access_control_allow_origins)],
    ['access-control-allow-headers', list(cors.access_control_allow_headers)],
    ['access-control-allow-methods', list(cors.access_control_allow_methods)],
    ['access-control-expose-headers', list(cors.access_control_expose_headers)],
    ['access-control-max-age', String(cors.access_control_max_age_sec ?? '')],
    ['access-control-allow-credentials', cors.access_control_allow_credentials ? 'true' : ''],
  ];
  return rows
    .filter(([, value]) => value !== '')
    .map(([name, value]) => ({ name, value, overrides: cors.origin_override, isCors: true }));
}

function policyHeaders(raw: RawHeadersPolicy | undefined): PolicyHeader[] {
  if (!raw) return [];
  const { security_headers_config: security = {}, custom_headers_config: custom } = raw;
  const {
    content_security_policy: csp,
    content_type_options: type,
    strict_transport_security: tls,
  } = security;
  const rows: [name: string, value: string, overrides: boolean][] = [];
  if (csp) rows.push(['content-security-policy', csp.content_security_policy, csp.override]);
  if (type) rows.push(['x-content-type-options', 'nosniff', type.override]);
  if (tls)
    rows.push(['strict-transport-security', `max-age=${tls.access_control_max_age_sec}`, tls.override]);
  for (const { header, value, override } of custom?.items ?? [])
    rows.push([header.toLowerCase(), value, override]);
  const plain = rows.map(([name, value, overrides]) => ({ name, value, overrides, isCors: false }));
  return [...corsHeaders(raw), ...plain];
}

function behaviour(stack: Stack, raw: RawBehaviour): Behaviour {
  const cache = stack.referred<RawCachePolicy>(raw.cache_policy_id);
  if (!cache) throw new Error('This model knows behaviours with a cache policy alone');
  const forward = stack.referred<RawSelection>(raw.origin_request_policy_id);
  const association = raw.function_association?.find((one) => one.event_type === 'viewer-request');
  const code = stack.referred<{ code: string }>(association?.function_arn)?.code;
  return {
    pattern: raw.path_pattern ?? '*',
    allowedMethods: raw.allowed_methods,
    cachedMethods: raw.cached_methods,
    compress: raw.compress ?? false,
    cache: cachePolicy(cache),
    forward: forward && selection(forward),
    headers: policyHeaders(stack.referred(raw.response_headers_policy_id)),
    viewerCode: code && plainText(code),
    target: raw.target_origin_id,
  };
}

/** What CloudFront does where the distribution does not say: three connections of ten seconds, thirty for an answer. */
const origin = (raw: RawOrigin): Origin => ({
  id: raw.origin_id,
  isBucket: !raw.vpc_origin_config && !raw.custom_origin_config,
  domain: raw.domain_name,
  customHeaders: Object.fromEntries(
    (raw.custom_header ?? []).map(({ name, value }) => [name.toLowerCase(), value]),
  ),
  connectionAttempts: raw.connection_attempts ?? 3,
  connectionSeconds: raw.connection_timeout ?? 10,
  readSeconds: (raw.vpc_origin_config ?? raw.custom_origin_config)?.origin_read_timeout ?? 30,
});

function group(raw: NonNullable<RawDistribution['origin_group']>[number]): Group {
  const [primary, secondary] = raw.member.map((member) => member.origin_id);
  if (!primary || !secondary) throw new Error(`The group ${raw.origin_id} has not two members`);
  return { statusCodes: raw.failover_criteria.status_codes, members: [primary, secondary] };
}

/** @throws Error where the stack asks for what this model has no rule for */
export function readDistribution(stack: Stack): Distribution {
  const raw = stack.only<RawDistribution>('aws_cloudfront_distribution');
  const behaviours = [...(raw.ordered_cache_behavior ?? []), raw.default_cache_behavior];
  const rows = Object.values(stack.all<{ key: string; value: string }>('aws_cloudfrontkeyvaluestore_key'));
  return {
    behaviours: behaviours.map((one) => behaviour(stack, one)),
    origins: new Map(raw.origin.map((one) => [one.origin_id, origin(one)])),
    groups: new Map((raw.origin_group ?? []).map((one) => [one.origin_id, group(one)])),
    errors: new Map(
      (raw.custom_error_response ?? []).map((one) => [
        one.error_code,
        {
          minSeconds: one.error_caching_min_ttl ?? 10,
          page: one.response_page_path
            ? { path: one.response_page_path, status: one.response_code ?? one.error_code }
            : undefined,
        },
      ]),
    ),
    values: Object.fromEntries(rows.map(({ key, value }) => [key, plainText(value)])),
  };
}
