import t from 'tap';
import { GROUPS } from '../../server/core/operations/operation.ts';
import { ROWS } from '../../server/core/operations/table.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
t.before(async () => {
  server = await startServer();
});
t.teardown(() => server.close());

interface Form {
  groups: Array<{
    title: string;
    parameters: Array<{ key: string; label: string; doc: string; control: Control }>;
  }>;
  samples: string[];
}
interface Control {
  kind: string;
  min?: number;
  max?: number;
  values?: string[];
}

const MAX_SCRIPT_BYTES = 100_000;

/** Addresses that a file of the page loads: links of HTML, static and dynamic imports. */
function linksOf(path: string, text: string): string[] {
  const html = [...text.matchAll(/(?:src|href)="(\/playground\/[^"]+)"/g)];
  const modules = [...text.matchAll(/(?:from ?|import ?\(?)["']([./][^"']+)["']/g)];
  return [...html, ...modules].map(([, link = '']) => new URL(link, `http://page${path}`).pathname);
}

t.test('the page and all that it loads come from here, small and under a strict policy', async (t) => {
  const seen = new Set(['/']);
  let bytes = 0;
  for (const path of seen) {
    const answer = await server.app.inject({ url: path, headers: { 'accept-encoding': 'br' } });
    const text = await (await server.get(path)).text();
    t.equal(answer.statusCode, 200, path);
    t.match(answer.headers['content-security-policy'], /^default-src 'none';/, path);
    t.notMatch(answer.headers['content-security-policy'], /unsafe|\*|https?:/, path);
    if (!path.includes('/lib/')) t.notMatch(text, /https?:\/\/(?!\[)/, `${path} names no other host`);
    t.notMatch(text, /\son\w+="|\sstyle="|<script>/, `${path} has nothing inline`);
    if (path.endsWith('.js')) bytes += answer.rawPayload.length;
    for (const link of linksOf(path, text)) seen.add(link);
  }
  t.ok(seen.size > 20 && seen.has('/playground/lib/ssim/ssim.web.js'), `${seen.size} files`);
  t.ok(bytes < MAX_SCRIPT_BYTES, `${bytes} bytes of script, compressed`);
});

t.test('of the libraries nothing else is served', async (t) => {
  for (const path of [
    'package.json',
    'README.md',
    'lit-html.js.map',
    '../ssim.js/package.json',
    'node/lit-html.mjs',
  ])
    t.equal((await server.app.inject(`/playground/lib/lit-html/${path}`)).statusCode, 404, path);
  const outside = await server.app.inject('/playground/%2e%2e/playground.ts');
  t.equal(outside.statusCode, 404);
});

t.test('the form has every row of the table, in groups, each with a label of its own', async (t) => {
  const { groups, samples } = (await (await server.get('/playground/form.json')).json()) as Form;
  t.same(
    groups.map(({ title }) => title),
    Object.values(GROUPS),
  );
  const parameters = groups.flatMap((group) => group.parameters);
  t.same(
    parameters.map(({ key }) => key).sort(),
    ROWS.map(({ key }) => key)
      .filter((key) => !['v', 'exp', 'kid', 'sig', 'wmx', 'wm2x'].includes(key))
      .sort(),
  );
  t.ok(parameters.every(({ doc }) => doc.length > 0));
  t.equal(new Set(parameters.map(({ label }) => label)).size, parameters.length);
  const of = (key: string) => parameters.find((parameter) => parameter.key === key)?.control;
  t.match(of('w'), { kind: 'number', min: 1, max: 8192 });
  t.match(of('fit'), { kind: 'choice', values: ['inside', 'cover', 'contain', 'fill', 'outside'] });
  t.match(of('p'), { kind: 'choice', values: ['card', 'thumb', 'hero'] });
  t.ok(samples.includes('samples/ladybug.jpg'));
});

t.test('answers HEAD as monitors ask', async (t) => {
  for (const path of ['/', '/healthz']) {
    const headers = { 'accept-encoding': 'identity' };
    const [head, get] = [
      await server.get(path, { method: 'HEAD', headers }),
      await server.get(path, { headers }),
    ];
    t.match([head.status, await head.text()], [200, ''], path);
    t.equal(head.headers.get('content-length'), String((await get.text()).length), path);
  }
});
