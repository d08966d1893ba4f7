import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, TerraformOutput, TerraformStack } from 'cdktf';
import t from 'tap';
import { json, literal } from '../stacks/text.ts';
import { run } from '../stand-in/run.ts';
import { drawing } from './support/queries.ts';
import { synthStage } from './support/synth.ts';
import { noTerraform, terraform } from './support/tools.ts';

const PIECES = [
  '"',
  '\\',
  '\n',
  '\r',
  '\t',
  '${',
  '$${',
  '%{',
  '%%{',
  '$',
  '%',
  '{',
  '}',
  '\\n',
  "'",
  '<',
  '&',
  'é',
  '日',
  '🖼',
  ' ',
  'a',
  'if true',
  '\u0001',
  '\u007f',
  '/*',
  '#',
  '"}',
];
const COUNT = 400;

/** Texts made of what Terraform, HCL and JSON read as their own. */
function texts(): string[] {
  const draw = drawing(20261129);
  return Array.from({ length: COUNT }, () =>
    Array.from({ length: draw.between(0, 8) }, () => draw.pick(PIECES)).join(''),
  );
}

t.test('any text reads back the same, encoded or plain', { skip: noTerraform }, async (t) => {
  const outdir = t.testdir();
  const app = new App({ outdir });
  const stack = new TerraformStack(app, 'texts');
  const asked = texts();
  // A key must be there once.
  const keyed = Object.fromEntries(asked.map((text, number) => [`${text}${number}`, { text }]));
  new TerraformOutput(stack, 'encoded', { value: json({ asked, keyed }) });
  for (const [number, text] of asked.entries())
    new TerraformOutput(stack, `plain-${number}`, { value: literal(text) }).overrideLogicalId(
      `plain${number}`,
    );
  app.synth();
  const cwd = join(outdir, 'stacks', 'texts');
  await run(['terraform', 'init', '-input=false'], { cwd });
  const applied = await run(['terraform', 'apply', '-auto-approve', '-no-color'], { cwd });
  t.equal(applied.code, 0, 'applied', { output: applied.output.slice(0, 2000) });
  const { output } = await run(['terraform', 'output', '-json'], { cwd });
  const read = JSON.parse(output);
  t.same(JSON.parse(read.encoded.value), { asked, keyed }, 'encoded');
  t.same(
    asked.map((_, number) => read[`plain${number}`].value),
    asked,
    'plain',
  );
});

const MAIL = `a\${b}%{c}"@example.com`;
const ORIGIN = `https://\${x}.example`;
const POISON = `"quoted" \\ \${path.module} %{ if true }x%{ endif }`;

t.test(
  'settings with any text make a stack that terraform plans, and arrive as they were written',
  { skip: noTerraform },
  async (t) => {
    const environment = { PRESETS: '{"thumb":"w=200"}', DATA_DIR: POISON };
    const { directory } = await synthStage({
      environment,
      alarm_email: MAIL,
      cors_origins: [ORIGIN],
    });
    const [, applied, show] = await terraform(directory, [
      ['apply', '-input=false', '-auto-approve'],
      ['show', '-json'],
    ]);
    t.equal(applied?.code, 0, 'applied', { output: applied?.output.slice(0, 3000) });
    const planned = JSON.parse(show?.output ?? '{}').values.root_module.resources;
    const find = (address: string) =>
      planned.find((one: { address: string }) => one.address === address)?.values;
    const [{ environment: pairs }] = JSON.parse(
      find('aws_ecs_task_definition.server-task').container_definitions,
    );
    for (const [name, value] of Object.entries(environment))
      t.strictSame(pairs.find((pair: { name: string }) => pair.name === name)?.value, value);
    t.equal(find('aws_sns_topic_subscription.alarms-email').endpoint, MAIL);
    t.same(find('aws_s3_bucket_cors_configuration.originals-cors').cors_rule[0].allowed_origins, [ORIGIN]);
  },
);

t.test('text is encoded in one place', async (t) => {
  const folder = join(import.meta.dirname, '..', 'stacks');
  for (const file of globSync('*.ts', { cwd: folder })) {
    if (file === 'text.ts') continue;
    t.notMatch(readFileSync(join(folder, file), 'utf8'), /jsonencode|JSON\.stringify/, file);
  }
});
