import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run } from '../stand-in/run.ts';

const INFRA = join(import.meta.dirname, '..');
const IMAGE = `123456789012.dkr.ecr.us-east-1.amazonaws.com/rendition@sha256:${'a1'.repeat(32)}`;
const HOUR_MS = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString();
const ahead = (days: number) => ago(-24 * days);

interface Stage {
  waiting: number;
  dead: number;
  table: string;
  /** Of the servers' last deployment. */
  rollout: string;
  running: number;
  ringing: string[];
  certificateDays: number;
  vcpus: number;
  /** Exit code of `terraform plan -detailed-exitcode`. */
  plan: number;
}

const HEALTHY: Stage = {
  waiting: 3,
  dead: 0,
  table: 'ACTIVE',
  rollout: 'COMPLETED',
  running: 2,
  ringing: [],
  certificateDays: 200,
  vcpus: 4,
  plan: 0,
};

const SQS = 'https://sqs.us-east-1.amazonaws.com/123456789012';
const depth = (waiting: number) => ({
  ApproximateNumberOfMessages: String(waiting),
  ApproximateNumberOfMessagesNotVisible: '0',
});

/** Calls of the AWS CLI, every argument of them but times and queries, and what the service would say. */
function calls(region: string, stage: Stage): Record<string, unknown> {
  const deployment = (state: string) => [{ state, reason: 'tasks failed to start', at: ago(5) }];
  const queue = (name: string) => `sqs get-queue-url --region ${region} --queue-name ${name}`;
  const attributes = (name: string) =>
    `sqs get-queue-attributes --region ${region} --queue-url ${SQS}/${name} --attribute-names ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible`;
  const usage = (kind: string) =>
    `cloudwatch get-metric-statistics --region ${region} --namespace AWS/Usage --metric-name ResourceCount --statistics Maximum --period 3600 --start-time T --end-time T --dimensions Name=Service,Value=Fargate Name=Type,Value=Resource Name=Resource,Value=vCPU Name=Class,Value=Standard/${kind}`;
  const quota = (code: string) =>
    `service-quotas get-service-quota --region ${region} --service-code fargate --quota-code ${code}`;
  const certificate = 'arn:aws:acm:us-east-1:123456789012:certificate/abc';
  return {
    [`sts get-caller-identity --region ${region}`]: '123456789012',
    [`s3api head-bucket --region ${region} --bucket rendition-dev-originals-123456789012`]: region,
    [`s3api head-bucket --region ${region} --bucket rendition-dev-results-123456789012`]: region,
    [`dynamodb describe-table --region ${region} --table-name rendition-dev-records`]: stage.table,
    [`dynamodb describe-table --region ${region} --table-name rendition-prod-records`]: stage.table,
    [`ecs describe-services --region ${region} --cluster rendition-dev --services rendition-dev-server`]: [
      { name: 'rendition-dev-server', running: 2, desired: 2, deployments: deployment('COMPLETED') },
    ],
    [queue('rendition-dev-warm')]: `${SQS}/rendition-dev-warm`,
    [queue('rendition-dev-warm-dead')]: `${SQS}/rendition-dev-warm-dead`,
    [attributes('rendition-dev-warm')]: depth(stage.waiting),
    [attributes('rendition-dev-warm-dead')]: depth(stage.dead),
    [`ecs describe-services --region ${region} --cluster rendition-dev --services rendition-dev-server rendition-dev-warmer`]:
      [
        {
          name: 'rendition-dev-server',
          running: stage.running,
          desired: 2,
          deployments: deployment(stage.rollout),
        },
        { name: 'rendition-dev-warmer', running: 1, desired: 1, deployments: deployment('COMPLETED') },
      ],
    [`ecs describe-task-definition --region ${region} --task-definition rendition-dev-server`]: IMAGE,
    [`cloudwatch describe-alarms --region ${region} --alarm-name-prefix rendition-dev- --state-value ALARM`]:
      stage.ringing,
    'cloudwatch describe-alarms --region us-east-1 --alarm-name-prefix rendition-dev- --state-value ALARM':
      stage.ringing,
    'acm list-certificates --region us-east-1': certificate,
    [`acm describe-certificate --region us-east-1 --certificate-arn ${certificate}`]: {
      status: 'ISSUED',
      until: ahead(stage.certificateDays),
      renewal: null,
    },
    [quota('L-3032A538')]: 6,
    [quota('L-36FBB829')]: 64,
    [usage('OnDemand')]: [stage.vcpus, 1],
    [usage('Spot')]: [],
  };
}

/** Knows its calls by every argument; anything else is an error, as it would be. */
const AWS = `import { readFileSync } from 'node:fs';
const args = process.argv.slice(2);
const at = args.indexOf('--query');
if (at < 0 || args.slice(at + 2).join(' ') !== '--output json') process.exit(2);
const call = args.slice(0, at).join(' ').replace(/\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z/g, 'T');
const calls = JSON.parse(readFileSync(process.env.FAKES + '/calls.json', 'utf8'));
if (!(call in calls)) { console.error('no such call: ' + call); process.exit(254); }
console.log(JSON.stringify(calls[call]));
`;

const TERRAFORM = `#!/bin/sh
case "$*" in
  "-chdir="*"/stacks/rendition-dev init -input=false -no-color") ;;
  "-chdir="*"/stacks/rendition-dev plan -detailed-exitcode -lock=false -input=false -no-color")
    grep -q '${IMAGE}' "\${1#-chdir=}/cdk.tf.json" || exit 9
    exit $FAKE_PLAN ;;
  *) exit 8 ;;
esac
`;

async function doctor(
  t: Test,
  changes: Partial<Stage> = {},
  settings: object = {},
  without: readonly string[] = [],
) {
  const stage = { ...HEALTHY, ...changes };
  const region = 'region' in settings ? String(settings.region) : 'us-east-1';
  const folder = t.testdir();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const known = Object.entries(calls(region, stage)).filter(
    ([call]) => !without.some((name) => call.startsWith(name)),
  );
  writeFileSync(join(folder, 'calls.json'), JSON.stringify(Object.fromEntries(known)));
  writeFileSync(join(folder, 'aws.mjs'), AWS);
  writeFileSync(join(bin, 'aws'), `#!/bin/sh\nexec "${process.execPath}" "${folder}/aws.mjs" "$@"\n`);
  writeFileSync(join(bin, 'terraform'), TERRAFORM);
  for (const name of ['aws', 'terraform']) chmodSync(join(bin, name), 0o755);
  const prod = { origin_order: 'server-first', region: 'us-east-1', shield: false };
  const stages = {
    account: { region, state_bucket: 'our-state' },
    dev: { protect: false, ...settings },
    prod,
  };
  writeFileSync(join(folder, 'stages.json'), JSON.stringify(stages));
  const command = [
    process.execPath,
    'doctor/main.ts',
    'dev',
    '--settings',
    join(folder, 'stages.json'),
  ] as const;
  const TMPDIR = join(folder, 'tmp');
  mkdirSync(TMPDIR);
  const env = { PATH: `${bin}:${process.env.PATH}`, FAKES: folder, FAKE_PLAN: String(stage.plan), TMPDIR };
  const outcome = await run([...command], { cwd: INFRA, env });
  const stays = readdirSync(TMPDIR).filter((name) => name.startsWith('rendition-'));
  t.same(stays, [], 'no folder with its plan and its providers stays');
  return outcome;
}

t.test('a stage that is well', async (t) => {
  const { code, output } = await doctor(t);
  t.equal(code, 0, output);
  t.notMatch(output, /BAD|look/);
  for (const line of [
    'ok    stores: bucket rendition-dev-originals-123456789012',
    'ok    stores: table rendition-dev-records: ACTIVE',
    'ok    queue: 3 messages wait, 0 are being worked on',
    'ok    dead letters: none',
    'ok    deployments: rendition-dev-server: 2 of 2 tasks; deployed 5 h ago, COMPLETED',
    'ok    alarms: none rings',
    'ok    certificates: CloudFront’s own',
    'ok    quotas: Fargate vCPUs on demand: 4 of 6',
    'ok    drift: what stands is what the tree says',
  ])
    t.match(output, line);
});

t.test('what somebody has to do something about, with where to go on', async (t) => {
  const changes = {
    dead: 2,
    table: 'UPDATING',
    rollout: 'FAILED',
    ringing: ['rendition-dev-latency'],
    plan: 1,
  };
  const { code, output } = await doctor(t, changes);
  t.equal(code, 1, output);
  for (const line of [
    /BAD {3}dead letters: 2 jobs were given up on: docs\/operations.md#redrive/,
    /BAD {3}stores: table rendition-dev-records: UPDATING/,
    /BAD .*FAILED \(tasks failed to start\): docs\/operations.md#roll-back/,
    /BAD {3}alarms: rendition-dev-latency: docs/,
    /BAD {3}drift: terraform plan fails/,
  ])
    t.match(output, line);
});

t.test('what may be as it should is looked at, and is no failure', async (t) => {
  const { code, output } = await doctor(t, { waiting: 5000, rollout: 'IN_PROGRESS', vcpus: 5, plan: 2 });
  t.equal(code, 0, output);
  for (const line of [
    /look {2}queue: 5000 messages wait/,
    /look {2}deployments: rendition-dev-server/,
    /look {2}quotas: Fargate vCPUs on demand: 5 of 6/,
    /look {2}drift: what stands differs/,
  ])
    t.match(output, line);
});

t.test('a domain’s certificate, and another region than CloudFront’s', async (t) => {
  const own = { region: 'eu-west-1', domain: 'img.example.com', hosted_zone: 'Z0123456789' };
  const changes = { certificateDays: 10, running: 0, ringing: ['rendition-dev-cdn-errors'] };
  const { output } = await doctor(t, changes, own);
  t.match(output, /look {2}certificates: img.example.com: ISSUED, (9|10) days left: does the proof in DNS/);
  t.match(output, /BAD {3}deployments: rendition-dev-server: 0 of 2 tasks/);
  t.equal(output.match(/BAD {3}alarms/g)?.length, 2, 'both regions are asked');
});

t.test('a second region is asked for what it has', async (t) => {
  const first = { ...HEALTHY, dead: 9, waiting: 9000 };
  const { output } = await doctor(t, first, { region: 'eu-west-1', replica_of: 'prod' });
  t.match(output, /stores: table rendition-prod-records: ACTIVE/);
  t.match(output, /deployments: rendition-dev-server: 2 of 2/);
  t.notMatch(output, /queue|dead letters|certificates|warmer/);
});

t.test('what cannot be read is no silence', async (t) => {
  const services = ['s3api', 'dynamodb', 'sqs', 'ecs', 'cloudwatch', 'service-quotas'];
  const { code, output } = await doctor(t, {}, {}, services);
  t.equal(code, 1);
  for (const name of ['stores', 'queue', 'dead letters', 'deployments', 'alarms', 'quotas', 'drift'])
    t.match(output, new RegExp(`BAD {3}${name}: .*(not ours to read|cannot be read)`), name);
  const nobody = await doctor(t, {}, {}, ['sts']);
  t.equal(nobody.code, 2);
  t.match(nobody.output, /there are no keys/);
});
