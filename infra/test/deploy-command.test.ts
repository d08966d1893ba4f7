import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Fakes } from './support/fakes.ts';

const INFRA = join(import.meta.dirname, '..');
const DEPLOY = [process.execPath, join(INFRA, 'deploy', 'main.ts')] as const;

function prepared(folder: string) {
  const fakes = new Fakes(folder);
  const settings = join(folder, 'stages.json');
  const stages = {
    account: { region: 'us-east-1', state_bucket: 'our-state' },
    dev: { protect: false },
    prod: {},
  };
  writeFileSync(settings, JSON.stringify(stages));
  const deploy = (args: readonly string[], env = {}) =>
    fakes.run(INFRA, [...DEPLOY, ...args, '--settings', settings], env);
  return { fakes, deploy };
}

t.test('one command makes everything, and a second time only what is left', async (t) => {
  const { fakes, deploy } = prepared(t.testdir());
  const TMPDIR = join(fakes.folder, 'tmp');
  mkdirSync(TMPDIR);
  const env = { RENDITION_STATE_BUCKET: 'forgotten', RENDITION_SIGNED: 'true', TMPDIR };
  const first = deploy(['dev'], env);
  const stays = readdirSync(TMPDIR).filter((name) => name.startsWith('rendition-'));
  t.same(stays, [], 'no folder with its outputs stays');
  t.equal(first.status, 0, 'deploys', first);
  t.match(first.output, /about \d+ USD a month/);
  t.match(first.output, /Playground: https:\/\/d1\.cloudfront\.net\//);
  t.match(first.output, /^TOKEN=[0-9a-f]{64} /m);
  t.match(first.output, /curl -H/);
  const calls = fakes.calls().join('\n');
  for (const wanted of [
    /^aws s3api create-bucket --bucket our-state --region us-east-1$/m,
    /^npx cdktf deploy rendition-account --auto-approve/m,
    /^docker buildx build --platform linux\/arm64 --provenance=false --push --tag \S+\/rendition:0123abcd \.\.$/m,
    /^npx cdktf deploy rendition-dev --auto-approve/m,
    /^RENDITION_IMAGE=\S+\/rendition@sha256:(d4){32}$/m,
    /^AWS_REGION=us-east-1$/m,
    /^aws ecs wait services-stable/m,
    /^curl .*d1\.cloudfront\.net\/metrics$/m,
  ])
    t.match(calls, wanted);
  t.notMatch(calls, /forgotten|RENDITION_SIGNED/, 'the shell’s own variables count for nothing');
  const second = deploy(['dev']);
  t.equal(second.status, 0, 'again', second);
  t.notMatch(second.output, 'TOKEN=');
  t.notMatch(fakes.calls().join('\n'), /create-bucket|buildx build|put-secret-value/);
});

t.test('an image that is there is taken, and one that cannot be built is said', async (t) => {
  const { fakes, deploy } = prepared(t.testdir());
  const image = `ghcr.io/acme/rendition@sha256:${'e5'.repeat(32)}`;
  t.equal(deploy(['dev', '--image', image]).status, 0);
  const calls = fakes.calls().join('\n');
  t.match(calls, `RENDITION_IMAGE=${image}`);
  t.notMatch(calls, 'docker');
  const noArm = deploy(['dev'], { FAKE_PLATFORM: 'linux/386' });
  t.equal(noArm.status, 1);
  t.match(noArm.output, /tonistiigi\/binfmt --install arm64/);
});

t.test('destroying says what stays, and a protected stage stays', async (t) => {
  const { fakes, deploy } = prepared(t.testdir());
  const gone = deploy(['destroy', 'dev']);
  t.equal(gone.status, 0, 'destroyed', gone);
  t.match(gone.output, /security group/);
  t.match(fakes.calls().join('\n'), /^npx cdktf destroy rendition-dev --auto-approve$/m);
  const kept = deploy(['destroy', 'prod']);
  t.equal(kept.status, 1);
  t.match(kept.output, /prod has protect/);
  t.notMatch(fakes.calls().join('\n'), 'destroy');
});

t.test('what cannot be deployed is said before anything is called', async (t) => {
  const { fakes, deploy } = prepared(t.testdir());
  t.match(deploy(['staging']).output, /has no stage staging: it has dev, prod/);
  t.match(deploy([]).output, /npm run deploy -- <stage>/);
  t.match(deploy(['dev', '--imgae', 'x']).output, /Unknown option/);
  t.match(deploy(['dev', '--image', 'rendition:latest']).output, /repository@sha256:digest/);
  writeFileSync(
    join(fakes.folder, 'stages.json'),
    JSON.stringify({ account: { state_bucket: 'ours' }, dev: { siez: 1 } }),
  );
  t.match(deploy(['dev']).output, /siez: no such variable/);
  t.same(fakes.calls(), []);
});

t.test('a signed stage is asked what a signing edge answers', async (t) => {
  const fakes = new Fakes(t.testdir());
  const smoke = (signed: string, edge: string) =>
    fakes.run(INFRA, ['./smoke.sh', 'd1.cloudfront.net', signed], { FAKE_SIGNED: edge });
  t.equal(smoke('true', 'true').status, 0);
  t.equal(smoke('false', 'false').status, 0);
  t.equal(smoke('true', 'false').status, 1, 'an edge that lets everything through');
  t.equal(smoke('false', 'true').status, 1);
});

t.test('every command of docs/deploy.md runs', async (t) => {
  const page = readFileSync(join(INFRA, '..', 'docs', 'deploy.md'), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text]) => String(text));
  t.ok(blocks.length >= 2);
  const { fakes } = prepared(t.testdir());
  // The page is read from the top of the tree; npm is the one program that is neither real nor asked of AWS.
  writeFileSync(
    join(fakes.folder, 'bin', 'npm'),
    `#!/bin/sh\nif [ "$1" = ci ]; then exit 0; fi\nshift 3\nexec "${process.execPath}" deploy/main.ts "$@" --settings "$FAKES/stages.json"\n`,
    { mode: 0o755 },
  );
  for (const block of blocks) {
    const ran = fakes.run(join(INFRA, '..'), ['sh', '-euc', block], {
      IMAGE: `ghcr.io/acme/rendition@sha256:${'e5'.repeat(32)}`,
    });
    t.equal(ran.status, 0, block.slice(0, 40), ran);
  }
});
