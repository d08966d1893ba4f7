import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readDistribution } from '../cloudfront/read-distribution.ts';
import { Stack } from '../cloudfront/stack.ts';
import { run } from '../stand-in/run.ts';
import { laptop } from './support/chain.ts';
import { functionsInNjs } from './support/edge.ts';
import { compare, putSmall, randomRequests } from './support/pictures.ts';
import { KID, SECRET, sign } from './support/signing.ts';
import { synthStage } from './support/synth.ts';
import { noNjs } from './support/tools.ts';
import { asked } from './support/viewer.ts';

const INFRA = join(import.meta.dirname, '..');

for (const signed of [false, true]) {
  t.test(
    `the smoke test of a deployment passes through edge and programs, ${signed ? 'signed' : 'open'}`,
    async (t) => {
      const { file } = await synthStage({ signed });
      const whole = await laptop(t, { file, values: { [`key:${KID}`]: SECRET } });
      const command = ['sh', 'smoke.sh', new URL(whole.base).host, String(signed)] as const;
      const { code, output } = await run([...command], { cwd: INFRA, env: { SMOKE_SCHEME: 'http' } });
      t.equal(code, 0, 'smoke.sh', { output });
      await putSmall(whole.endpoint);
      const query = 'w=6&fmt=png';
      const url = `/img/small.png?${signed ? sign('small.png', query) : query}`;
      t.match(await whole.edge.answer(asked(url)), { status: 200, headers: { 'content-type': 'image/png' } });
      if (!signed) return;
      t.match(await whole.edge.answer(asked(`/img/small.png?${query}`)), { status: 403 });
      t.match(await whole.edge.answer(asked(`/img/small.png?${sign('small.png', query, '1')}`)), {
        status: 410,
      });
    },
  );
}

t.test('a replica has no edge of its own, and that is said', async (t) => {
  const stages = {
    prod: { origin_order: 'server-first' },
    copy: { replica_of: 'prod', region: 'eu-west-1' },
  };
  const settings = join(t.testdir({ 'stages.json': JSON.stringify(stages) }), 'stages.json');
  const command = ['cloudfront/main.ts', 'copy', '--port', '0', '--settings', settings];
  const { code, output } = await run([process.execPath, ...command], { cwd: INFRA });
  t.equal(code, 1);
  t.match(output, 'copy is a replica and has no edge of its own: try that of prod, which asks its servers\n');
});

t.test('an upload, its pictures and a purge, all through the edge', async (t) => {
  const { file } = await synthStage({});
  const whole = await laptop(t, { file });
  const headers = { authorization: `Bearer ${whole.programs.token}` };
  const form = new FormData();
  form.append('id', 'shop/shoe.jpg');
  const bytes = readFileSync(join(INFRA, '..', 'samples', 'ladybug.jpg'));
  form.append('file', new Blob([new Uint8Array(bytes)]), 'shoe.jpg');
  const made = await fetch(`${whole.base}/api/images`, { method: 'POST', headers, body: form });
  t.equal(made.status, 202, await made.text());
  const urls = ['?w=60', '?w=60&fmt=webp', '?w=60&fmt=webp&dl=1', '?w=0', ''].map(
    (query) => `/img/shop/shoe.jpg${query}`,
  );
  for (const url of urls) await whole.edge.answer(asked(url));
  t.match(await whole.edge.answer(asked('/img/shop/shoe.jpg?w=60')), { headers: { 'x-cache': /^Hit/ } });
  t.ok(whole.edge.kept >= 4);
  const purged = await fetch(`${whole.base}/api/images/shop/shoe.jpg/purge`, { method: 'POST', headers });
  t.match(await purged.json(), { edge: { status: 'queued' } });
  while (whole.edge.kept > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  t.match(await whole.edge.answer(asked('/img/shop/shoe.jpg?w=60')), { headers: { 'x-cache': /^Miss/ } });
});

t.test(
  'random requests through function, cache and origins have the server’s pictures',
  { skip: noNjs },
  async (t) => {
    const { file } = await synthStage({});
    const requests = randomRequests(20261130, 240);
    const { values, behaviours } = readDistribution(new Stack(file));
    const bundle = behaviours.find(({ viewerCode }) => viewerCode)?.viewerCode ?? '';
    const viewerFunction = await functionsInNjs(t.testdir(), requests, { bundle, values });
    const whole = await laptop(t, { file, viewerFunction });
    await putSmall(whole.endpoint);
    const { differences, ...counts } = await compare(whole, requests);
    t.same(differences.slice(0, 5), []);
    t.comment(JSON.stringify(counts));
    t.ok(counts.pictures > 30 && counts.refused > 30, 'both kinds');
  },
);
