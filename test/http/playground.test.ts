import t from 'tap';
import { ROWS } from '../../server/core/operations/table.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
t.before(async () => {
  server = await startServer();
});
t.teardown(() => server.close());

interface Form {
  operations: Array<{ name: string; parameters: Array<{ key: string; doc: string; control: Control }> }>;
  samples: string[];
}
interface Control {
  kind: string;
  min?: number;
  max?: number;
  values?: string[];
}

const MAX_BYTES = 25_000;

t.test('the page and all that it loads come from here, small and under a strict policy', async (t) => {
  const seen = new Set(['/']);
  let bytes = 0;
  for (const path of seen) {
    const answer = await server.get(path);
    const text = await answer.text();
    bytes += text.length;
    t.equal(answer.status, 200, path);
    t.match(answer.headers.get('content-security-policy'), /^default-src 'none';/, path);
    t.notMatch(text, /https?:\/\//, `${path} names no other host`);
    t.notMatch(text, /\son\w+="|style="|<script>/, `${path} has nothing inline`);
    for (const [, link = ''] of text.matchAll(/(?:src|href)="(\/playground\/[^"]+)"/g)) seen.add(link);
    for (const [, link = ''] of text.matchAll(/from '\.\/([^']+)'/g)) seen.add(`/playground/${link}`);
  }
  t.equal(seen.size, 6);
  t.ok(bytes < MAX_BYTES, `${bytes} bytes`);
});

t.test('the form has every row of the table, in groups of operations', async (t) => {
  const { operations, samples } = (await (await server.get('/playground/form.json')).json()) as Form;
  const parameters = operations.flatMap((group) => group.parameters);
  t.same(
    parameters.map(({ key }) => key),
    ROWS.map(({ key }) => key),
  );
  t.ok(parameters.every(({ doc }) => doc.length > 0));
  const of = (key: string) => parameters.find((parameter) => parameter.key === key)?.control;
  t.match(of('w'), { kind: 'number', min: 1, max: 8192 });
  t.match(of('fit'), { kind: 'choice', values: ['inside', 'cover', 'contain', 'fill', 'outside'] });
  t.match(of('p'), { kind: 'choice', values: ['card', 'thumb', 'hero'] });
  t.ok(samples.includes('samples/ladybug.jpg'));
});

t.test('answers HEAD as monitors ask', async (t) => {
  for (const path of ['/', '/healthz']) {
    const [head, get] = [await server.get(path, { method: 'HEAD' }), await server.get(path)];
    t.match([head.status, await head.text()], [200, ''], path);
    t.equal(head.headers.get('content-length'), String((await get.text()).length), path);
  }
});

t.test('reads a link that comes from anywhere', async (t) => {
  const url = new URL('../../server/http/playground/form.js', import.meta.url).href;
  const { readLink } = await import(url);
  t.same(readLink('#shoes/red.jpg?w=1&dl=50%'), ['shoes/red.jpg', 'w=1&dl=50%']);
  t.same(readLink('#a%zz%2Fb?dl=50%25'), ['a%zz/b', 'dl=50%25']);
  t.same(readLink('#%ff'), ['%ff', '']);
  t.same(readLink(''), ['', '']);
});
