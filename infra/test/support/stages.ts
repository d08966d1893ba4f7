import type { Values } from '../../settings.ts';

/** Stages that differ in what the checks behind them depend on; every one is synthesised, validated and planned. */
export const STAGES: Readonly<Record<string, Values>> = {
  defaults: {},
  'a region without Origin Shield': { region: 'eu-north-1', shield_region: 'eu-central-1' },
  'a region without Origin Shield, and none wanted': { region: 'af-south-1', shield: false },
  signed: { signed: true },
  'a domain whose zone is here': { domain: 'img.example.com', hosted_zone: 'Z0123456789' },
  'a domain whose DNS is elsewhere': {
    domain: 'img.example.com',
    certificate_arn: 'arn:aws:acm:us-east-1:123456789012:certificate/abc',
  },
  'server first': { origin_order: 'server-first', signed: true, region: 'eu-west-1' },
  'an existing bucket': {
    originals_bucket: 'photos-of-ours',
    region: 'us-west-1',
    shield_region: 'us-west-2',
  },
  'e-mail to everybody': {
    alarm_email: 'ops@example.com',
    notify_email: 'shop@example.com',
    budget_usd: 500,
    cors_origins: ['https://shop.example.com'],
    webhook_secret_arn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:hooks-AbCdEf',
    source_headers_arn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:headers-AbCdEf',
  },
  'feeds of other buckets': {
    feed_buckets: ['photos-of-theirs'],
    feed_roles: ['arn:aws:iam::210987654321:role/reads-photos'],
  },
  'traces in X-Ray': {
    collector_image: 'public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3',
    trace_percent: 20,
  },
  tiny: { size: 'tiny', firewall: false, shield: false },
  medium: { size: 'medium', protect: false },
  large: { size: 'large', access_logs: false, network_logs: true },
  'one server, no firewall': { min_servers: 1, firewall: false },
  'zones by id': { zones: ['use1-az4', 'use1-az6'] },
  'an image of another registry': { image: `ghcr.io/acme/rendition@sha256:${'b2'.repeat(32)}` },
};
