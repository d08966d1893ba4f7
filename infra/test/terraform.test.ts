import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Synthesised, synthStage } from './support/synth.ts';
import { noTerraform, terraform } from './support/tools.ts';

const OPTIONS = [
  {},
  {
    domain: 'img.example.com',
    hosted_zone: 'Z0123456789',
    originals_bucket: 'photos-of-ours',
    origin_order: 'server-first',
    signed: true,
    webhook_secret_arn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:hooks-AbCdEf',
    alarm_email: 'ops@example.com',
    notify_email: 'shop@example.com',
    budget_usd: 500,
    region: 'eu-west-1',
    size: 'large',
    cors_origins: ['https://shop.example.com'],
  },
];

t.test('terraform accepts and plans the stack', { skip: noTerraform }, async (t) => {
  for (const values of OPTIONS) {
    const { directory, json } = await synthStage(values);
    const count = Object.values(json.resource).flatMap((one) => Object.keys(one)).length;
    const [init, validate, plan, show] = await terraform(directory, [
      ['validate'],
      ['plan', '-input=false', '-out=plan'],
      ['show', '-json', 'plan'],
    ]);
    t.equal(init?.code, 0, 'init', { output: init?.output });
    t.match(validate?.output, 'The configuration is valid');
    t.match(plan?.output, `Plan: ${count} to add, 0 to change, 0 to destroy.`);
    const changes = JSON.parse(show?.output ?? '{}').resource_changes.filter(
      (one: { mode: string }) => one.mode === 'managed',
    );
    t.equal(changes.length, count);
    t.comment(`${count} resources planned`);
  }
});

/** Copies a stack and changes its JSON, to see whether terraform notices. */
function mutated({ directory }: Synthesised, change: (text: string) => string): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'rendition-mutant-')), 'stack');
  cpSync(directory, copy, { recursive: true });
  const file = join(copy, 'cdk.tf.json');
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error('The mutation found nothing to change');
  writeFileSync(file, after);
  return copy;
}

const without = (type: string, name: string, key: string) => (text: string) => {
  const json = JSON.parse(text);
  delete json.resource[type][name][key];
  return JSON.stringify(json, null, 2);
};

const MUTATIONS: Record<string, [change: (text: string) => string, expected: RegExp]> = {
  'a misspelt argument': [
    (text) => text.replace('"visibility_timeout_seconds"', '"visibilty_timeout_seconds"'),
    /Extraneous JSON object property|No argument or block type is named "visibilty_timeout_seconds"/,
  ],
  'a missing block': [
    without('aws_cloudfront_distribution', 'cdn', 'restrictions'),
    /(Insufficient|Missing) restrictions blocks?|at least 1 "restrictions" block/,
  ],
  'a missing argument': [
    without('aws_sqs_queue_policy', 'warm-policy', 'policy'),
    /The argument "policy" is required/,
  ],
  'a dangling reference': [
    (text) => text.replaceAll('aws_lb.balancer.dns_name', 'aws_lb.balance.dns_name'),
    /Reference to undeclared resource/,
  ],
  'an attribute that is not there': [
    (text) => text.replaceAll('aws_lb.balancer.dns_name', 'aws_lb.balancer.dnsname'),
    /Unsupported attribute/,
  ],
  'a value of the wrong type': [
    (text) => text.replace('"visibility_timeout_seconds": 120', '"visibility_timeout_seconds": "soon"'),
    /a number is required/,
  ],
  'a type that does not exist': [
    (text) => text.replace('"aws_sqs_queue_policy": {', '"aws_sqs_queue_polic": {'),
    /Invalid resource type|does not support resource type/,
  ],
};

t.test('terraform against the stand-in notices a mistake', { skip: noTerraform }, async (t) => {
  const stack = await synthStage();
  for (const [name, [change, expected]] of Object.entries(MUTATIONS)) {
    const [, validate] = await terraform(mutated(stack, change), [['validate']]);
    t.not(validate?.code, 0, name);
    t.match(validate?.output.replace(/\s*\n[│╷╵ ]*/g, ' '), expected, name);
  }
});

t.test('a real provider that is named has the last word', { skip: noTerraform }, async (t) => {
  const { directory, file } = await synthStage();
  const folder = t.testdir();
  const binary = join(folder, 'terraform-provider-aws');
  const standIn = join(import.meta.dirname, '..', 'stand-in', 'binary.ts');
  const { TF_AWS_PROVIDER: before, TF_DISABLE_PLUGIN_TLS: tls } = process.env;
  // No real one is on this machine: a program that is started as one is, and knows a smaller stack or the whole one.
  const asked = async (stack: string) => {
    const text = `#!/bin/sh\ntouch "${folder}/asked"\nexec "${process.execPath}" "${standIn}" "${stack}"\n`;
    writeFileSync(binary, text, { mode: 0o755 });
    const [, validate] = await terraform(directory, [['validate']]);
    return validate;
  };
  const smaller = JSON.parse(readFileSync(file, 'utf8'));
  delete smaller.resource.aws_sqs_queue;
  writeFileSync(join(folder, 'smaller.json'), JSON.stringify(smaller));
  t.teardown(() => {
    Object.assign(process.env, { TF_AWS_PROVIDER: before, TF_DISABLE_PLUGIN_TLS: tls });
    if (before === undefined) delete process.env.TF_AWS_PROVIDER;
    if (tls === undefined) delete process.env.TF_DISABLE_PLUGIN_TLS;
  });
  Object.assign(process.env, { TF_AWS_PROVIDER: binary, TF_DISABLE_PLUGIN_TLS: '1' });
  t.match(await asked(file), { code: 0, output: /The configuration is valid/ });
  t.ok(existsSync(join(folder, 'asked')), 'it was started');
  t.match(await asked(join(folder, 'smaller.json')), { code: 1, output: /aws_sqs_queue/ });
});
