import t from 'tap';
import { readDistribution } from '../cloudfront/read-distribution.ts';
import { Stack } from '../cloudfront/stack.ts';
import { laptop } from './support/chain.ts';
import { functionsInNjs } from './support/edge.ts';
import { compare, putSmall, randomRequests } from './support/pictures.ts';
import { synthStage } from './support/synth.ts';
import { noNjs } from './support/tools.ts';

const COUNT = 20_000;
/** Asked once more with nothing kept, when the bucket has most of it. */
const AGAIN = 4_000;

t.test(
  '20,000 random requests through function, cache and origins have the server’s pictures',
  { skip: noNjs },
  async (t) => {
    const { file } = await synthStage({});
    const requests = randomRequests(20261129, COUNT);
    const { values, behaviours } = readDistribution(new Stack(file));
    const bundle = behaviours.find(({ viewerCode }) => viewerCode)?.viewerCode ?? '';
    t.setTimeout(3_600_000);
    const viewerFunction = await functionsInNjs(t.testdir(), requests, { bundle, values });
    const whole = await laptop(t, { file, viewerFunction });
    t.setTimeout(3_600_000);
    await putSmall(whole.endpoint);
    const first = await compare(whole, requests);
    t.same(first.differences.slice(0, 5), []);
    t.comment(JSON.stringify({ ...first, differences: first.differences.length }));
    t.ok(first.pictures > COUNT / 6 && first.refused > COUNT / 6, 'both kinds');
    whole.edge.invalidate(['/*']);
    const second = await compare(whole, requests.slice(0, AGAIN));
    t.same(second.differences.slice(0, 5), [], 'the same out of the bucket');
    t.comment(JSON.stringify({ ...second, differences: second.differences.length }));
    t.ok((second.sources['Miss bucket'] ?? 0) > AGAIN / 20, 'and it was the bucket');
  },
);

t.test('a crowd at the edge is one render a picture, and the same bytes for everybody', async (t) => {
  const { file } = await synthStage({});
  const whole = await laptop(t, { file });
  await putSmall(whole.endpoint);
  const urls = Array.from(
    { length: 40 },
    (_, number) => `${whole.base}/img/small.png?w=${number + 2}&fmt=png`,
  );
  const seen = new Map<string, Set<string>>();
  const sources: Record<string, number> = {};
  const queue = Array.from({ length: 4000 }, (_, number) => urls[(number * 7) % urls.length] ?? '');
  const viewer = async () => {
    for (let url = queue.pop(); url; url = queue.pop()) {
      const answer = await fetch(url);
      const bytes = Buffer.from(await answer.arrayBuffer()).toString('base64');
      seen.set(url, (seen.get(url) ?? new Set()).add(`${answer.status} ${bytes}`));
      const source = answer.headers.get('x-cache') ?? '';
      sources[source] = (sources[source] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 64 }, viewer));
  t.equal(seen.size, urls.length);
  for (const [url, answers] of seen) t.equal(answers.size, 1, url);
  t.comment(JSON.stringify(sources));
  const metrics = await (await fetch(`${whole.programs.server}/metrics`)).text();
  const misses = [...metrics.matchAll(/^rendition_requests_total\{[^}]*tier="miss"[^}]*\} (\d+)/gm)];
  const renders = misses.reduce((sum, [, count]) => sum + Number(count), 0);
  // What is wider than the original is one picture, whatever width was asked for.
  t.ok(renders > 0 && renders <= urls.length, `${renders} renders for 4,000 answers`);
});
