import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { synthesise } from '../app.ts';
import { type Behind, chain } from '../cloudfront/chain.ts';
import { type Script, type ScriptedOrigin, scriptedOrigin } from './support/origins.ts';
import { IMAGE, synthPair } from './support/synth.ts';
import { noTerraform, terraform } from './support/tools.ts';
import { asked } from './support/viewer.ts';

const FIRST = { image: IMAGE, origin_order: 'server-first', environment: { PRESETS: 'card=w=400' } };
const SECOND = { region: 'eu-west-1', replica_of: 'prod' };

t.test(
  'a second region for reading synthesises, and both are what terraform takes',
  { skip: noTerraform },
  async (t) => {
    const { original, replica } = await synthPair(FIRST, SECOND);
    for (const type of [
      'aws_cloudfront_distribution',
      'aws_sqs_queue',
      'aws_dynamodb_table',
      'aws_cloudfront_function',
    ])
      t.notOk(replica.json.resource[type], `${type} is the first region’s`);
    const task = String(
      replica.json.resource.aws_ecs_task_definition?.['server-task']?.container_definitions,
    );
    t.match(task, '"name" = "RECORDS_TABLE", "value" = "rendition-prod-records"');
    t.match(task, '"name" = "PRESETS", "value" = "card=w=400"', 'its pictures are the same');
    const rights = JSON.stringify(replica.json.resource.aws_iam_role_policy);
    t.notMatch(rights, /dynamodb:(Put|Update|Delete)|sqs:|CreateInvalidation/, 'it reads');
    t.match(original.json.resource.aws_dynamodb_table?.records, { replica: [{ region_name: 'eu-west-1' }] });
    t.match(
      JSON.stringify(original.json.resource.aws_s3_bucket_replication_configuration),
      'rendition-second-originals-',
    );
    t.match(
      replica.json.resource.aws_s3_bucket_lifecycle_configuration?.['results-lifecycle'],
      { rule: [{ id: 'expire' }, { id: 'masters', expiration: [{ days: Number }] }] },
      'nobody tells there that an original went',
    );
    for (const stack of [original, replica]) {
      const count = Object.values(stack.json.resource).flatMap((one) => Object.keys(one)).length;
      const [, validate, plan] = await terraform(stack.directory, [['validate'], ['plan', '-input=false']]);
      t.match(validate?.output, 'The configuration is valid');
      t.match(plan?.output, `Plan: ${count} to add`);
    }
  },
);

t.test('a stage without one is as it was', async (t) => {
  const outdir = t.testdir();
  await synthesise({ stages: { prod: FIRST }, environment: {}, outdir });
  const text = readFileSync(join(outdir, 'stacks', 'rendition-prod', 'cdk.tf.json'), 'utf8');
  t.notMatch(text, /replica/);
});

t.test('what cannot be copied is said', async (t) => {
  const refused = async (stages: Record<string, object>, text: RegExp) =>
    t.rejects(
      synthesise({
        stages: stages as Record<string, Record<string, unknown>>,
        environment: {},
        outdir: t.testdir(),
      }),
      text,
    );
  await refused({ second: SECOND }, /there is no other stage prod/);
  await refused(
    { prod: { ...FIRST, origin_order: 'results-first' }, second: SECOND },
    /needs origin_order server-first/,
  );
  await refused({ prod: { ...FIRST, region: 'eu-west-1' }, second: SECOND }, /prod is in eu-west-1 as well/);
  await refused(
    { prod: { ...FIRST, originals_bucket: 'ours' }, second: SECOND },
    /originals_bucket of its own/,
  );
  await refused(
    { prod: FIRST, second: SECOND, third: { ...SECOND, region: 'eu-west-2' } },
    /has another replica/,
  );
  await refused(
    { prod: FIRST, second: SECOND, third: { region: 'us-west-2', replica_of: 'second' } },
    /is a replica itself/,
  );
});

type Play = Script | 'refused' | 'none';
const LATER = { 'retry-after': '7', 'cache-control': 'no-store' };
const PLAYS: Readonly<Record<string, Play>> = {
  s200: { status: 200, headers: { 'cache-control': 'max-age=60' } },
  s403: { status: 403 },
  s404: { status: 404 },
  s410: { status: 410 },
  s422: { status: 422 },
  s429: { status: 429, headers: LATER },
  s500: { status: 500 },
  s503: { status: 503, headers: LATER },
  hung: 'hang-up',
  refused: 'refused',
  none: 'none',
};
const UNANSWERED: Readonly<Record<string, number>> = { hung: 502, refused: 502, none: 503 };
const statusOf = (name: string): number => {
  const play = PLAYS[name];
  return typeof play === 'object' ? play.status : (UNANSWERED[name] ?? 0);
};

const namesIn = (url: string) => /\/(\w+)\.(\w+)\.jpg/.exec(url)?.slice(1) ?? [];

async function regions(t: Test) {
  const at = (index: number, name: string): Promise<ScriptedOrigin> =>
    scriptedOrigin(t, name, ({ url }) => {
      const play = PLAYS[namesIn(url)[index] ?? 's200'] ?? 'hang-up';
      return play === 'refused' || play === 'none' ? 'hang-up' : play;
    });
  return { first: await at(0, 'first'), second: await at(1, 'second') };
}

function behindOf(name: string | undefined, { base }: ScriptedOrigin): Behind {
  const play = PLAYS[name ?? 's200'];
  const bucket = 'http://127.0.0.1:9';
  return { bucket, server: play === 'none' ? undefined : play === 'refused' ? bucket : base };
}

t.test('reading outlives the first region, and writing stays there', async (t) => {
  const { original } = await synthPair(FIRST, SECOND);
  const { first, second } = await regions(t);
  const { edge } = chain({
    file: original.file,
    behind: ({ path }, originId) => {
      const isSecond = originId === 'server-replica';
      return behindOf(namesIn(path)[isSecond ? 1 : 0], isSecond ? second : first);
    },
  });
  let rows = 0;
  for (const one of Object.keys(PLAYS))
    for (const other of Object.keys(PLAYS))
      for (const query of ['w=9', 'w=9&v=7', 'w=9&dl=1', 'w=0']) {
        const { status, headers } = await edge.answer(asked(`/img/${one}.${other}.jpg?${query}`));
        const goesOn = statusOf(one) >= 500;
        const wanted = statusOf(goesOn ? other : one);
        const later =
          [429, 503].includes(wanted) && typeof PLAYS[goesOn ? other : one] === 'object' ? '7' : undefined;
        t.same([status, headers['retry-after']], [wanted, later], `${one} ${other} ${query}`);
        rows += 1;
      }
  t.comment(`${rows} rows`);
  const before = second.calls.length;
  for (const method of ['GET', 'POST', 'DELETE'])
    await edge.answer(asked('/api/images/s503.s200.jpg', { method }));
  t.equal(second.calls.length, before, 'the API is the first region’s alone');
});
