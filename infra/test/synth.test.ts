import { readFileSync } from 'node:fs';
import t from 'tap';
import { synthesise } from '../app.ts';
import { bucketSources } from '../program-settings.ts';
import { SIZES } from '../sizing.ts';
import { sourceRights } from '../stacks/source-rights.ts';
import { IMAGE, resource, resources, synthAccount, synthStage } from './support/synth.ts';

const first = await synthStage();

t.test('the same input gives the same bytes, wherever it is written', async (t) => {
  const second = await synthStage();
  const text = readFileSync(first.file, 'utf8');
  t.equal(readFileSync(second.file, 'utf8'), text);
  t.notMatch(text, first.directory);
  t.notMatch(text, import.meta.dirname);
  const counts = Object.values(first.json.resource).map((one) => Object.keys(one).length);
  t.comment(`${counts.reduce((a, b) => a + b)} resources of ${counts.length} types, ${text.length} bytes`);
});

t.test('a stage without an image is left out, and said so', async (t) => {
  const stages = { dev: { image: IMAGE }, prod: {} };
  t.same(await synthesise({ stages, environment: {}, outdir: t.testdir() }), ['prod']);
});

t.test('a variable chooses which origin answers first', async (t) => {
  const order = async (origin_order: string) =>
    resource(await synthStage({ origin_order }), 'aws_cloudfront_distribution');
  const images = (origin: string) => [{ path_pattern: '/img/*', target_origin_id: origin }, {}];
  t.match(await order('results-first'), {
    origin_group: [
      {
        member: [{ origin_id: 'results' }, { origin_id: 'server' }],
        failover_criteria: { status_codes: [403, 404, 500, 502, 503, 504] },
      },
    ],
    ordered_cache_behavior: images('images'),
  });
  t.match(await order('server-first'), { ordered_cache_behavior: images('server') });
});

t.test('trouble is cached for a second, and never longer', async (t) => {
  const cdn = resource(first, 'aws_cloudfront_distribution');
  const rows = cdn.custom_error_response as { error_code: number; error_caching_min_ttl: number }[];
  for (const { error_code, error_caching_min_ttl } of rows) {
    t.equal(error_caching_min_ttl, error_code >= 500 ? 1 : 0);
  }
  t.ok(rows.some(({ error_code }) => error_code === 503));
  t.match(cdn, { http_version: 'http2and3', is_ipv6_enabled: true });
});

t.test('both origins ask through one shield', async (t) => {
  const cdn = resource(await synthStage({ region: 'eu-central-1' }), 'aws_cloudfront_distribution');
  for (const origin of cdn.origin as object[]) {
    t.match(origin, { origin_shield: { enabled: true, origin_shield_region: 'eu-central-1' } });
  }
});

t.test('every bucket of ours is private, encrypted, TLS only and tidied up', async (t) => {
  t.equal(resources(first, 'aws_s3_bucket').length, 3);
  for (const type of [
    'aws_s3_bucket_public_access_block',
    'aws_s3_bucket_server_side_encryption_configuration',
    'aws_s3_bucket_lifecycle_configuration',
    'aws_s3_bucket_ownership_controls',
    'aws_s3_bucket_policy',
  ]) {
    t.equal(resources(first, type).length, 3, type);
  }
  for (const { policy } of resources(first, 'aws_s3_bucket_policy'))
    t.match(policy, '"aws:SecureTransport" = "false"');
});

t.test('an existing bucket is read and sent no configuration', async (t) => {
  const made = await synthStage({ originals_bucket: 'photos-of-ours', access_logs: false });
  t.equal(resources(made, 'aws_s3_bucket').length, 1);
  const told = resources(made, 'aws_s3_bucket_notification');
  t.match(told, [
    { bucket: /aws_s3_bucket.results.bucket/, queue: [{ events: ['s3:LifecycleExpiration:Delete'] }] },
  ]);
  t.equal(told.length, 1);
  t.equal(resources(made, 'aws_s3_bucket_versioning').length, 0);
});

t.test('warmers read the buckets of feeds, and nobody writes there', async (t) => {
  const made = await synthStage({
    feed_buckets: ['photos-of-theirs', 'lists'],
    feed_roles: ['arn:aws:iam::210987654321:role/reads-photos'],
  });
  const policies = resources(made, 'aws_iam_role_policy') as { policy: string; name: string }[];
  const telling = policies.filter(({ policy }) => policy.includes('photos-of-theirs'));
  t.equal(telling.length, 1);
  const { policy = '' } = telling[0] ?? {};
  for (const bucket of ['photos-of-theirs', 'lists']) {
    const arn = `arn:aws:s3:::${bucket}`;
    t.match(policy, `{"Effect" = "Allow", "Action" = ["s3:GetObject"], "Resource" = ["${arn}/*"]}`);
    t.match(policy, `{"Effect" = "Allow", "Action" = ["s3:ListBucket"], "Resource" = ["${arn}"]}`);
  }
  t.equal(policy.split('photos-of-theirs').length, 3, 'and nothing else');
  t.match(
    policy,
    '"Action" = ["sts:AssumeRole"], "Resource" = ["arn:aws:iam::210987654321:role/reads-photos"]',
  );
  t.match(policy, 'sqs:ReceiveMessage', 'the role of the warmer');
});

t.test(
  'the queue is told what comes and goes of originals, and what a lifecycle takes of results',
  async (t) => {
    const rows = resources(first, 'aws_s3_bucket_notification') as { queue: { events: string[] }[] }[];
    t.same(rows.flatMap(({ queue }) => queue.flatMap(({ events }) => events)).sort(), [
      's3:LifecycleExpiration:Delete',
      's3:ObjectCreated:*',
      's3:ObjectRemoved:*',
    ]);
    const { policy } = resource(first, 'aws_sqs_queue_policy');
    for (const bucket of ['originals', 'results']) t.match(policy, `aws_s3_bucket.${bucket}.arn`);
  },
);

t.test('a task reads exactly the buckets of SOURCES, or wears the role that does, and no more', async (t) => {
  const role = 'arn:aws:iam::210987654321:role/reads-archive';
  const SOURCES = `old=s3://archive-of-others/pictures/;far=s3://elsewhere/?role=${role};shop=https://shop.example/`;
  t.same(sourceRights(bucketSources({ SOURCES })), [
    { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::archive-of-others/pictures/*'] },
    { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::archive-of-others'] },
    { Effect: 'Allow', Action: ['sts:AssumeRole'], Resource: [role] },
  ]);
  const values = { environment: { SOURCES } };
  const made = await synthStage(values);
  const policies = resources(made, 'aws_iam_role_policy').map(({ policy }) => String(policy));
  const isGranted = (policy: string) =>
    policy.includes('archive-of-others/pictures/*') && policy.includes(role);
  t.equal(policies.filter(isGranted).length, 2, 'server and warmer');
  t.notMatch(policies.join(), /elsewhere|archive-of-others\/\*/);
  const ceilings = resources(await synthAccount(values), 'aws_iam_policy').map(({ policy }) =>
    String(policy),
  );
  t.ok(ceilings.some(isGranted), 'within the boundary');
  t.match(
    resource(made, 'aws_sqs_queue_policy').policy,
    'arn:aws:s3:::archive-of-others',
    'its events may come',
  );
});

t.test('the headers of sources come from a secret, which the task may read', async (t) => {
  const source_headers_arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:headers-AbCdEf';
  const made = await synthStage({ source_headers_arn });
  const tasks = JSON.stringify(resources(made, 'aws_ecs_task_definition'));
  t.match(tasks, /SOURCE_HEADERS/);
  const policies = resources(made, 'aws_iam_role_policy').map(({ policy }) => String(policy));
  t.ok(policies.some((policy) => policy.includes(source_headers_arn)));
});

t.test('a domain brings its certificate, its records and its name', async (t) => {
  const zone = await synthStage({ domain: 'img.example.com', hosted_zone: 'Z0123456789' });
  t.same(resource(zone, 'aws_cloudfront_distribution').aliases, ['img.example.com']);
  t.equal(resources(zone, 'aws_acm_certificate').length, 1);
  t.equal(resources(zone, 'aws_route53_record').length, 3);
  t.match(zone.json.output.cdn_domain, { value: 'img.example.com' });
  const certificate_arn = 'arn:aws:acm:us-east-1:123456789012:certificate/abc';
  const given = await synthStage({ domain: 'img.example.com', certificate_arn });
  t.equal(resources(given, 'aws_acm_certificate').length, 0);
  t.match(resource(given, 'aws_cloudfront_distribution').viewer_certificate, {
    acm_certificate_arn: certificate_arn,
  });
});

t.test('sizes are the rows of the table', async (t) => {
  for (const [size, { server, warmer, together }] of Object.entries(SIZES)) {
    // One task with both: test/stages.test.ts.
    if (together) continue;
    const made = await synthStage({ size });
    const of = (program: string) => resource(made, 'aws_ecs_task_definition', `${program}-task`);
    t.match(of('server'), { cpu: String(server.cpu), memory: String(server.memoryMiB) });
    t.match(of('warmer'), { cpu: String(warmer.cpu), memory: String(warmer.memoryMiB) });
    const scale = resource(made, 'aws_appautoscaling_target', 'warmer-scale');
    t.match(scale, { min_capacity: warmer.minTasks, max_capacity: warmer.maxTasks });
    t.ok(warmer.minTasks >= 1, 'backlog per task has no answer at zero');
  }
});

t.test('the image declares the scratch, which Fargate would give to root alone', async (t) => {
  t.match(readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8'), /^VOLUME .*\/tmp\b/m);
});

t.test('tasks cannot write but to their scratch, run by digest on arm64, and roll back', async (t) => {
  for (const program of ['server', 'warmer']) {
    const task = resource(first, 'aws_ecs_task_definition', `${program}-task`);
    t.match(task.runtime_platform, { cpu_architecture: 'ARM64' });
    t.match(task.container_definitions, '"readonlyRootFilesystem" = true');
    t.match(task.container_definitions, '"containerPath" = "/tmp"');
    t.match(task.container_definitions, `"image" = "${IMAGE}"`);
    const service = resource(first, 'aws_ecs_service', program);
    t.match(service, {
      deployment_circuit_breaker: { enable: true, rollback: true },
      lifecycle: { ignore_changes: ['desired_count'] },
    });
  }
});

t.test('state is locked in its bucket where one is named', async (t) => {
  t.match((await synthStage({ state_bucket: 'our-state' })).json.terraform.backend, {
    s3: { bucket: 'our-state', key: 'rendition/dev.tfstate', use_lockfile: true, encrypt: true },
  });
});

t.test('protection holds what has data, and can be taken off', async (t) => {
  const protectedTable = resource(first, 'aws_dynamodb_table');
  t.match(protectedTable, { deletion_protection_enabled: true, point_in_time_recovery: { enabled: true } });
  t.equal(resource(first, 'aws_s3_bucket', 'originals').force_destroy, false);
  t.equal(resource(await synthStage({ protect: false }), 'aws_s3_bucket', 'originals').force_destroy, true);
});

t.test('no secret is in the synthesised text', async (t) => {
  t.notMatch(JSON.stringify(first.json), '"secret_string":');
  t.equal(resources(first, 'aws_secretsmanager_secret_version').length, 2);
});

t.test('results expire, and masters of HEIC stay: nobody else makes them cheaply', async (t) => {
  const kept = resources(first, 'aws_s3_bucket_lifecycle_configuration').find(({ bucket }) =>
    /results/.test(String(bucket)),
  );
  t.match(kept?.rule, [
    { filter: [{ prefix: 'img/' }], expiration: [{ days: Number }] },
    { filter: [{ prefix: 'master/' }], expiration: undefined },
  ]);
});
