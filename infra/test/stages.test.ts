import { readFileSync } from 'node:fs';
import t from 'tap';
import { synthesise } from '../app.ts';
import { loadSettings } from '../load.ts';
import { SIZE_NAMES } from '../sizing.ts';
import { EXCLUDED_ZONES } from '../zones.ts';
import { STAGES } from './support/stages.ts';
import { IMAGE, resource, resources, type Synthesised, synthAccount, synthStage } from './support/synth.ts';

for (const [name, values] of Object.entries(STAGES)) {
  t.test(`a stage with ${name} is whole`, async (t) => {
    const stack = await synthStage(values);
    const settings = loadSettings(values, {});
    t.equal(resources(stack, 'aws_wafv2_web_acl').length, settings.firewall ? 1 : 0);
    const cdn = resource(stack, 'aws_cloudfront_distribution');
    t.equal(cdn.web_acl_id !== undefined, settings.firewall);
    const shield = settings.shield
      ? { enabled: true, origin_shield_region: settings.shield_region || settings.region }
      : undefined;
    for (const origin of cdn.origin as { origin_shield?: object }[])
      t.strictSame(origin.origin_shield, shield);
    t.match(stack.json.output.signed, { value: String(settings.signed) });
    t.match(resource(stack, 'aws_lb'), { enable_deletion_protection: settings.protect });
    t.equal(resources(stack, 'aws_cloudwatch_log_delivery').length, settings.access_logs ? 1 : 0);
    t.equal(
      resources(stack, 'aws_wafv2_web_acl_logging_configuration').length,
      settings.access_logs && settings.firewall ? 1 : 0,
    );
    const isTraced = settings.collector_image !== '';
    for (const { container_definitions } of resources(stack, 'aws_ecs_task_definition'))
      t.equal(String(container_definitions).includes('"name" = "collector"'), isTraced);
    t.equal(JSON.stringify(resources(stack, 'aws_iam_role_policy')).includes('xray:'), isTraced);
    t.equal(resources(stack, 'aws_flow_log').length, settings.network_logs ? 1 : 0);
    for (const role of resources(stack, 'aws_iam_role'))
      t.match(role.permissions_boundary, /policy\/rendition-boundary$/);
    const page = cdn.default_cache_behavior as object;
    t.match(page, { compress: false }, 'CloudFront compresses nothing that it does not keep');
  });
}

t.test('the table has every size and every switch both ways', async (t) => {
  const all = Object.values(STAGES).map((values) => loadSettings(values, {}));
  t.same([...new Set(all.map(({ size }) => size))].sort(), [...SIZE_NAMES].sort());
  for (const name of ['signed', 'protect', 'shield', 'firewall', 'access_logs', 'network_logs'] as const)
    t.same(new Set(all.map((settings) => settings[name])).size, 2, name);
});

t.test('what another partition lacks is said', async (t) => {
  for (const region of ['cn-north-1', 'cn-northwest-1', 'us-gov-west-1', 'us-gov-east-1', 'us-iso-east-1'])
    t.throws(() => loadSettings({ region, shield: false }, {}), /lies outside the partition aws/);
});

t.test('a region without Origin Shield can be the account’s, too', async (t) => {
  const dev = { image: IMAGE, region: 'eu-north-1', shield_region: 'eu-central-1' };
  t.same(await synthesise({ stages: { dev }, environment: {}, outdir: t.testdir() }), []);
  const environment = {
    RENDITION_REGION: 'eu-north-1',
    RENDITION_SHIELD_REGION: 'eu-central-1',
    RENDITION_IMAGE: IMAGE,
  };
  t.same(await synthesise({ stages: { dev: {}, prod: {} }, environment, outdir: t.testdir() }), []);
});

t.test('the account’s row holds for every stage', async (t) => {
  const stages = { account: { region: 'eu-west-1', state_bucket: 'our-state' }, dev: { image: IMAGE } };
  const outdir = t.testdir();
  await synthesise({ stages, environment: {}, outdir });
  for (const name of ['rendition-account', 'rendition-dev']) {
    const { terraform } = JSON.parse(readFileSync(`${outdir}/stacks/${name}/cdk.tf.json`, 'utf8'));
    t.match(terraform.backend.s3, { bucket: 'our-state', region: 'eu-west-1' }, name);
  }
});

interface Subnet {
  availability_zone_id?: string;
  lifecycle?: { ignore_changes?: string[] };
}
const subnetsOf = (stack: Synthesised) => resources(stack, 'aws_subnet') as Subnet[];

t.test('zones are chosen by id, among those that have everything, once', async (t) => {
  for (const region of ['us-east-1', 'us-west-1', 'ap-northeast-1', 'ca-central-1', 'eu-west-1']) {
    const stack = await synthStage({ region, shield_region: 'us-east-1' });
    const found = stack.json.data?.aws_availability_zones?.zones;
    t.strictSame(found?.exclude_zone_ids, EXCLUDED_ZONES[region] ?? []);
    t.match(found, {
      filter: [
        { name: 'zone-type', values: ['availability-zone'] },
        { name: 'opt-in-status', values: ['opt-in-not-required'] },
      ],
    });
    t.match(JSON.stringify(found), 'length(self.zone_ids) > 1');
    for (const subnet of subnetsOf(stack)) {
      t.match(subnet.availability_zone_id, /zone_ids/);
      t.same(
        subnet.lifecycle?.ignore_changes,
        ['availability_zone', 'availability_zone_id'],
        'and stay there',
      );
    }
  }
  const named = await synthStage({ zones: ['use1-az4', 'use1-az6'] });
  t.same(
    subnetsOf(named).map((subnet) => subnet.availability_zone_id),
    ['use1-az4', 'use1-az6', 'use1-az4', 'use1-az6'],
  );
  t.notOk(named.json.data?.aws_availability_zones);
  t.throws(() => loadSettings({ zones: ['use1-az3', 'use1-az1'] }, {}), /use1-az3 has no VPC origins/);
});

t.test('a deployment waits for no Spot, and a strategy that changes makes no new service', async (t) => {
  const stack = await synthStage({});
  const warmer = resource(stack, 'aws_ecs_service', 'warmer');
  t.match(warmer, { wait_for_steady_state: false, force_new_deployment: true });
  t.same(warmer.capacity_provider_strategy, [
    { capacity_provider: 'FARGATE', base: 1, weight: 0 },
    { capacity_provider: 'FARGATE_SPOT', weight: 1 },
  ]);
  t.match(resource(stack, 'aws_ecs_service', 'server'), {
    wait_for_steady_state: true,
    force_new_deployment: true,
  });
});

t.test('the smallest size is one task with both programs', async (t) => {
  const stack = await synthStage({ size: 'tiny' });
  t.equal(resources(stack, 'aws_ecs_service').length, 1);
  const task = resource(stack, 'aws_ecs_task_definition');
  t.match(task, { cpu: '512', memory: '2048' });
  for (const program of ['server', 'warmer']) t.match(task.container_definitions, `"${program}/main.ts"`);
  t.match(JSON.stringify(resources(stack, 'aws_iam_role_policy')), 'sqs:ReceiveMessage');
  t.match(resource(stack, 'aws_appautoscaling_target'), { min_capacity: 1 });
});

t.test('a collector beside each program sends its traces to X-Ray, and holds up no picture', async (t) => {
  const values = {
    collector_image: '210987654321.dkr.ecr.us-west-2.amazonaws.com/team/collector:v1',
    trace_percent: 20,
  };
  for (const size of ['tiny', 'small']) {
    const stack = await synthStage({ ...values, size, region: 'eu-west-1' });
    for (const { container_definitions } of resources(stack, 'aws_ecs_task_definition')) {
      const text = String(container_definitions);
      t.equal(text.split('"name" = "collector"').length, 2, 'one in each task');
      t.match(text, '"essential" = false, "restartPolicy" = {"enabled" = true');
      t.match(text, '"awsxray" = {"region" = "eu-west-1"}');
      t.match(text, '"name" = "OTEL_EXPORTER_OTLP_ENDPOINT", "value" = "http://127.0.0.1:4318"');
      t.match(text, '"name" = "OTEL_TRACES_SAMPLER_ARG", "value" = "0.2"');
    }
    const pulls = resource(stack, 'aws_iam_role_policy', 'role-execution-policy').policy;
    t.match(pulls, 'arn:aws:ecr:us-west-2:210987654321:repository/team/collector"');
  }
  const boundary = async (more: object) =>
    JSON.stringify(resources(await synthAccount({ image: IMAGE, ...more }), 'aws_iam_policy'));
  t.match(await boundary(values), 'xray:PutTraceSegments');
  t.notMatch(await boundary({}), 'xray:');
  const elsewhere = { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://traces.example' } };
  t.throws(() => loadSettings({ ...values, ...elsewhere }, {}), /collector_image: traces go to/);
  t.match(
    String(
      resource(await synthStage(elsewhere), 'aws_ecs_task_definition', 'server-task').container_definitions,
    ),
    'https://traces.example',
    'traces go to any receiver of OTLP without one',
  );
  for (const collector_image of ['collector', 'ghcr.io/a/b', 'ghcr.io/a/b@sha256:1'])
    t.throws(() => loadSettings({ collector_image }, {}), /repository:tag or repository@sha256/);
});

t.test('roles may pull where the image is, and nowhere else', async (t) => {
  const policyOf = async (image: string) =>
    String(
      resource(
        await synthStage({ image, region: 'eu-west-1' }),
        'aws_iam_role_policy',
        'role-execution-policy',
      ).policy,
    );
  const digest = `sha256:${'c3'.repeat(32)}`;
  t.match(
    await policyOf(`210987654321.dkr.ecr.us-west-2.amazonaws.com/team/images@${digest}`),
    'arn:aws:ecr:us-west-2:210987654321:repository/team/images',
  );
  t.notMatch(await policyOf(`ghcr.io/acme/rendition@${digest}`), 'ecr:');
});

t.test('fifty roll-backs stay, whatever an image is made of', async (t) => {
  const stack = await synthAccount({});
  const policy = String(Object.values(stack.json.resource.aws_ecr_lifecycle_policy ?? {})[0]?.policy);
  t.match(
    policy,
    /"tagStatus" = "tagged", "tagPatternList" = \["\*"\], "countType" = "imageCountMoreThan", "countNumber" = 50/,
  );
  t.notMatch(policy, '"tagStatus" = "any"');
  t.match(
    readFileSync(new URL('../../.github/workflows/deploy.yml', import.meta.url), 'utf8'),
    /platforms: linux\/arm64\n/,
    'what never runs is not built',
  );
});

t.test('the provider reads no secret when it plans', async (t) => {
  const { terraform } = (await synthStage({})).json;
  const version = String((terraform.required_providers as { aws: { version: string } }).aws.version);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  t.ok(major === 6 && minor >= 26, version);
});

t.test('a server that says "later" is never made the bucket’s 403', async (t) => {
  const second = await synthStage({ origin_order: 'server-first' });
  t.same(resource(second, 'aws_cloudfront_distribution').origin_group ?? [], []);
  const first = resource(await synthStage({}), 'aws_cloudfront_distribution');
  t.match(first.origin_group, [{ member: [{ origin_id: 'results' }, { origin_id: 'server' }] }]);
});
