import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SETTINGS as PROGRAM_SETTINGS } from '../../server/config/settings.ts';
import { SETTINGS } from '../settings.ts';
import { resource, synthStage } from './support/synth.ts';

const INFRA = join(import.meta.dirname, '..');
const ROOT = join(INFRA, '..');
const read = (file: string, from = ROOT): string => readFileSync(join(from, file), 'utf8');

t.test('bindings are imported one by one: the barrel costs seven seconds and 700 MB', async (t) => {
  for (const file of globSync('{,stacks/,stand-in/,edge/}*.ts', { cwd: INFRA })) {
    for (const [, name] of read(file, INFRA).matchAll(/from '(@cdktf\/provider-aws[^']*)'/g)) {
      t.match(name, /^@cdktf\/provider-aws\/lib\/[a-z0-9-]+\/index\.js$/, file);
    }
  }
});

t.test('nothing outside infra knows cdktf', async (t) => {
  for (const file of globSync('{server,warmer}/**/*.ts', { cwd: ROOT }))
    t.notMatch(read(file), /cdktf|infra\//, file);
});

t.test('the edge takes from the server what is marked as safe for it', async (t) => {
  for (const file of ['handler', 'rows', 'named']) {
    for (const [, name] of read(`edge/${file}.ts`, INFRA).matchAll(
      /^import (?!type).*from '\.\.\/\.\.\/(server[^']*)'/gm,
    )) {
      t.match(read(String(name)), /^\/\/ \[edge-safe\]/, name ?? '');
    }
  }
});

t.test('actions are pinned by commit, and no workflow holds a key', async (t) => {
  for (const file of globSync('.github/workflows/*.yml', { cwd: ROOT })) {
    const text = read(file);
    for (const [, action] of text.matchAll(/uses: (\S+)/g)) t.match(action, /^\.\/|@[0-9a-f]{40}$/, file);
    t.notMatch(text, /AWS_SECRET|AWS_ACCESS|pull_request_target|secrets\./, file);
  }
});

t.test('docs/deploy.md names every variable', async (t) => {
  const page = read('docs/deploy.md');
  for (const name of Object.keys(SETTINGS)) t.match(page, `\`${name}\``, name);
});

t.test('sharp is here for its types, of the version that the programs have', async (t) => {
  const { dependencies } = JSON.parse(read('package.json'));
  t.equal(JSON.parse(read('package.json', INFRA)).devDependencies.sharp, dependencies.sharp);
});

t.test('tasks are given settings that the programs have', async (t) => {
  const stack = await synthStage();
  const known = new Set(
    Object.values(PROGRAM_SETTINGS)
      .map(({ variable }) => variable)
      .concat('AWS_REGION'),
  );
  for (const program of ['server', 'warmer']) {
    const task = String(resource(stack, 'aws_ecs_task_definition', `${program}-task`).container_definitions);
    const names = [...task.matchAll(/"name" = "([A-Z_]+)"/g)].map(([, name]) => String(name));
    t.ok(names.length > 10);
    t.same(
      names.filter((name) => !known.has(name)),
      [],
      program,
    );
  }
});

interface Schema {
  TABLE_SCHEMA: {
    AttributeDefinitions: { AttributeName: string; AttributeType: string }[];
    KeySchema: { AttributeName: string }[];
    GlobalSecondaryIndexes: {
      IndexName: string;
      KeySchema: { AttributeName: string }[];
      Projection: { ProjectionType: string };
    }[];
    BillingMode: string;
  };
  TTL_ATTRIBUTE: string;
}

// The schema is the programs' and loads their packages, which this one does not install.
const schema: Schema | undefined = await import(join(ROOT, 'server/stores/dynamodb/schema.ts')).catch(
  () => undefined,
);
const noSchema = schema ? false : 'the programs’ packages are not installed: npm ci in the folder above';

t.test('the table is the one that the programs were written for', { skip: noSchema }, async (t) => {
  if (!schema) return;
  const { TABLE_SCHEMA, TTL_ATTRIBUTE } = schema;
  const table = resource(await synthStage(), 'aws_dynamodb_table');
  t.match(table, {
    hash_key: TABLE_SCHEMA.KeySchema[0]?.AttributeName,
    range_key: TABLE_SCHEMA.KeySchema[1]?.AttributeName,
    attribute: TABLE_SCHEMA.AttributeDefinitions.map(({ AttributeName: name, AttributeType: type }) => ({
      name,
      type,
    })),
    global_secondary_index: TABLE_SCHEMA.GlobalSecondaryIndexes.map(
      ({ IndexName, KeySchema, Projection }) => ({
        name: IndexName,
        hash_key: KeySchema[0]?.AttributeName,
        range_key: KeySchema[1]?.AttributeName,
        projection_type: Projection.ProjectionType,
      }),
    ),
    ttl: { attribute_name: TTL_ATTRIBUTE },
    billing_mode: TABLE_SCHEMA.BillingMode,
  });
});
