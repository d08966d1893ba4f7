import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import t from 'tap';
import { ROWS } from '../../server/core/operations/table.ts';
import { referencePage } from '../../server/http/reference/page.ts';
import { corpus } from '../support/corpus.ts';
import { API_TOKENS } from '../support/env.ts';
import { startServer, type TestServer } from '../support/server.ts';

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Record<string, unknown>;
}
interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Record<string, unknown> }> };
  security?: Record<string, unknown>[];
  responses: Record<string, { description?: string; content?: Record<string, { schema: unknown }> }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  servers?: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
}

/** Every route as it was registered: method, path, whether the document leaves it out. */
const routes: Array<{ method: string; path: string; hidden: boolean }> = [];

interface Listening {
  addHook(
    name: 'onRoute',
    hook: (route: { method: string | string[]; url: string; schema?: { hide?: boolean } }) => void,
  ): void;
}

function listen(message: unknown): void {
  const { fastify } = message as { fastify: Listening };
  fastify.addHook('onRoute', ({ method, url, schema }) => {
    for (const text of [method].flat()) {
      const path = url.replace('/*', '/{id}').replace(/:(\w+)/g, '{$1}');
      routes.push({ method: text.toLowerCase(), path, hidden: schema?.hide === true });
    }
  });
}

let server: TestServer;
let document: Document;
t.before(async () => {
  subscribe('fastify.initialization', listen);
  server = await startServer();
  unsubscribe('fastify.initialization', listen);
  document = (await (await server.get('/openapi.json')).json()) as Document;
});
t.teardown(() => server.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

t.test('is OpenAPI 3.1 with a title and a version', async (t) => {
  t.match(document.openapi, /^3\.1\.\d+$/);
  t.match(document.info, { title: 'Rendition', version: String });
});

t.test('documents every route that is not a page, and no other', async (t) => {
  const pages = /^\/($|playground\/|docs($|\/)|openapi\.json$)/;
  // HEAD is answered wherever GET is: Fastify makes its route, and OpenAPI readers expect no word of it.
  const documented = new Set(operations().map(({ method, path }) => `${method} ${path}`));
  const isMade = ({ method, path }: { method: string; path: string }) =>
    method === 'head' && documented.has(`get ${path}`) && !documented.has(`head ${path}`);
  const wanted = routes.filter((route) => !route.hidden && !pages.test(route.path) && !isMade(route));
  const sorted = (list: Array<{ method: string; path: string }>) =>
    [...new Set(list.map(({ method, path }) => `${method} ${path}`))].sort();
  t.same(sorted(operations()), sorted(wanted));
  const hidden = routes.filter(({ hidden, path }) => hidden && !pages.test(path));
  t.ok(
    hidden.every(({ path, method }) => !documented.has(`${method} ${path}`)),
    'only refusals and preflights are left out',
  );
});

t.test('each operation has a summary, a tag, described answers, and its path parameters', async (t) => {
  for (const { path, method, operation } of operations()) {
    const name = `${method} ${path}`;
    t.ok(operation.summary, `${name}: summary`);
    t.equal(operation.tags?.length, 1, `${name}: tag`);
    const answers = Object.entries(operation.responses);
    t.ok(answers.length > 0, `${name}: answers`);
    for (const [status, { description }] of answers) {
      t.match(status, /^([1-5]\d\d|[1-5]XX|default)$/, `${name}: status`);
      t.type(description, 'string', `${name} ${status}: description`);
      t.not(description, 'Default Response', `${name} ${status}: said in words`);
    }
    const inPath = (operation.parameters ?? []).filter(({ in: place }) => place === 'path');
    t.same(
      inPath.map((parameter) => `{${parameter.name}}`).sort(),
      (path.match(/\{\w+\}/g) ?? []).sort(),
      name,
    );
    t.ok(
      inPath.every(({ required }) => required),
      `${name}: path parameters are required`,
    );
  }
});

t.test('generated clients have names for operations and for what they answer', async (t) => {
  const ids = operations().map(({ operation }) => operation.operationId);
  for (const { path, method, operation } of operations())
    t.match(operation.operationId, /^[a-z][A-Za-z]+$/, `${method} ${path}`);
  t.equal(new Set(ids).size, ids.length, 'none twice');
  const named = Object.keys(document.components['schemas'] ?? {});
  for (const name of ['Image', 'ImageSummary', 'VariantStatus', 'Status', 'Upload', 'Collection', 'Problem'])
    t.ok(named.includes(name), name);
  const answers = operations().flatMap(({ operation }) => Object.values(operation.responses));
  const references = answers.flatMap(
    ({ content = {} }) => JSON.stringify(content).match(/#\/components\/schemas\/\w+/g) ?? [],
  );
  for (const reference of new Set(references))
    t.ok(named.includes(reference.split('/').at(-1) ?? ''), reference);
  t.match(document.servers, [{ url: '/' }]);
});

t.test('a deployment with tokens says its address, and that nothing goes without one', async (t) => {
  const closed = await startServer({ API_TOKENS, PUBLIC_URL: 'https://img.example.com' });
  t.teardown(() => closed.close());
  const read = (await (await closed.get('/openapi.json')).json()) as Document;
  t.match(read.servers, [{ url: 'https://img.example.com' }]);
  t.same(read.paths['/api/images']?.['get']?.security, [{ token: [] }]);
  t.same(read.paths['/api/images/{id}/status']?.['get']?.security, [{ token: [] }, { statusKey: [] }]);
  t.same(read.paths['/img/{id}']?.['get']?.security, []);
});

t.test('the token is offered where it may be wanted, and nowhere else', async (t) => {
  t.ok(document.components['securitySchemes']?.['token']);
  for (const { path, method, operation } of operations()) {
    const wanted = path.startsWith('/api/') && path !== '/api/uploads/{id}';
    t.equal(operation.security?.some((entry) => 'token' in entry) ?? false, wanted, `${method} ${path}`);
  }
});

t.test('the query of an image is the parameter table', async (t) => {
  const parameters = document.paths['/img/{id}']?.['get']?.parameters ?? [];
  const query = parameters.filter(({ in: place }) => place === 'query');
  t.same(
    query.map(({ name }) => name),
    ROWS.map(({ key }) => key),
  );
  for (const { name, schema, description, required } of query) {
    t.ok(description, `${name} is described`);
    t.notOk(required, `${name} is optional`);
    const { default: fallback, minimum, maximum } = schema;
    for (const [bound, sign] of [
      [minimum, 1],
      [maximum, -1],
    ] as const)
      if (typeof fallback === 'number' && typeof bound === 'number')
        t.ok(sign * (fallback - bound) >= 0, `${name}: default lies in its own range`);
    if (schema['type'] === 'integer' || schema['type'] === 'number')
      t.ok(fallback === undefined || typeof fallback === 'number', `${name}: default has its type`);
  }
});

t.test('failures are problems, as they are sent', async (t) => {
  const refused = await server.get('/img/a?w=0');
  const type = refused.headers.get('content-type')?.split(';')[0] ?? '';
  for (const { path, method, operation } of operations()) {
    for (const [status, { content }] of Object.entries(operation.responses)) {
      // What a balancer reads is its status alone.
      if (!/^[45]/.test(status) || `${path} ${status}` === '/readyz 503') continue;
      const list = { 'application/json': { schema: { $ref: '#/components/schemas/Uploads' } } };
      const isOfSeveral = operation.operationId === 'uploadImages';
      const wanted = {
        [type]: { schema: { $ref: '#/components/schemas/Problem' } },
        ...(isOfSeveral && list),
      };
      t.same(content, wanted, `${method} ${path} ${status}`);
    }
  }
  t.ok(operations().some(({ operation }) => operation.responses['5XX']));
});

t.test('several files of which none is taken are answered as the document says', async (t) => {
  const form = new FormData();
  for (const name of ['a', 'b']) form.append('file', new Blob(['no picture']), name);
  const answer = await fetch(`${server.base}/api/images`, { method: 'POST', body: form });
  t.equal(answer.status, 415);
  const [type = ''] = answer.headers.get('content-type')?.split(';') ?? [];
  const told = document.paths['/api/images']?.['post']?.responses['4XX']?.content ?? {};
  t.ok(Object.keys(told).includes(type), type);
  t.match(await answer.json(), {
    images: [{ file: 'a', problem: { code: 'unsupported_source' } }, { file: 'b' }],
  });
});

t.test('an answer to HEAD is said to have no content', async (t) => {
  const heads = Object.values(document.paths).flatMap(({ head }) => (head ? [head] : []));
  const responses = heads.flatMap(({ responses }) => responses['200'] ?? []);
  t.ok(responses.length >= 2);
  t.same(
    responses.filter((response) => 'content' in response),
    [],
  );
  await server.put('head.jpg', await corpus('samples/ladybug.jpg'));
  const cold = await server.get('/img/head.jpg?w=21&thr=150', { method: 'HEAD' });
  t.same([cold.status, cold.headers.get('content-type')], [200, null], 'what it is, its render says');
});

t.test('what a page fills in beforehand is accepted', async (t) => {
  await server.put('ladybug.jpg', await corpus('samples/ladybug.jpg'));
  const parameters = document.paths['/img/{id}']?.['get']?.parameters ?? [];
  const filled = parameters.flatMap(({ name, schema }): [string, string][] =>
    schema['default'] === undefined ? [] : [[name, String(schema['default'])]],
  );
  t.ok(filled.length > 10);
  for (const [name, value] of filled) {
    const answer = await server.get(`/img/ladybug.jpg?${name}=${encodeURIComponent(value)}`, {
      method: 'HEAD',
    });
    t.equal(answer.status, 200, `${name}=${value}`);
  }
  const all = await server.get(`/img/ladybug.jpg?${new URLSearchParams(filled)}&w=20`);
  t.equal(all.status, 200, 'all at once');
});

t.test('forms and events are as the document says', async (t) => {
  const post = document.paths['/api/images']?.['post'];
  const schema = post?.requestBody?.content['multipart/form-data']?.schema;
  t.match(schema, {
    required: ['file'],
    properties: { file: { type: 'array' }, variants: { type: 'array' } },
  });
  const said = Object.keys((schema?.['properties'] ?? {}) as object).toSorted();
  const body = new FormData();
  body.append('nothing', 'of the kind');
  const refused = await fetch(`${server.base}/api/images`, { method: 'POST', body });
  const { hint } = (await refused.json()) as { hint: string };
  const taken = /Fields of an upload: ([^;]*)/.exec(hint)?.[1]?.split(' ') ?? [];
  t.same(said, [...taken, 'file'].toSorted());
  const status = document.paths['/api/images/{id}/status']?.['get']?.responses['200'];
  t.same(Object.keys(status?.content ?? {}), ['application/json', 'text/event-stream']);
  const file = await corpus('samples/ladybug.jpg');
  const form = new FormData();
  for (const variant of ['w=20&fmt=webp', 'p=thumb&fmt=png']) form.append('variants', variant);
  for (const name of ['a', 'b']) form.append('file', new Blob([new Uint8Array(file)]), name);
  const answer = await fetch(`${server.base}/api/images`, { method: 'POST', body: form });
  const { images } = (await answer.json()) as { images: { id: string; requests: unknown[] }[] };
  t.match(
    images.map(({ requests }) => requests.length),
    [2, 2],
  );
  const path = `/api/images/${images[0]?.id}/status`;
  t.match((await server.get(path)).headers.get('content-type'), 'application/json');
  const events = await server.get(path, { headers: { accept: 'text/event-stream' } });
  t.equal(events.headers.get('content-type'), 'text/event-stream');
  await events.body?.cancel();
});

function references(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

t.test('every reference resolves inside the document', async (t) => {
  const found = [...new Set(references(document))];
  t.ok(found.length > 0);
  for (const reference of found) {
    t.match(reference, /^#\//, reference);
    let place: unknown = document;
    for (const part of reference.slice(2).split('/')) {
      place =
        place !== null && typeof place === 'object'
          ? Object.entries(place).find(([key]) => key === part)?.[1]
          : place;
    }
    t.type(place, 'object', reference);
  }
});

t.test('the page of the API has every call, shape and parameter, and leads nowhere else', async (t) => {
  const answer = await server.get('/docs/', { headers: { 'accept-encoding': 'gzip' } });
  t.equal(answer.headers.get('content-encoding'), 'gzip');
  t.match(answer.headers.get('content-security-policy'), /^default-src 'none'; style-src 'self';/);
  const page = await answer.text();
  t.equal(await (await server.get('/docs')).text(), page);
  t.match(page, '<title>Rendition: the API</title>');
  t.notMatch(page, /<script|<form|swagger/i);
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  for (const { operation } of operations()) t.ok(ids.has(operation.operationId), operation.operationId ?? '');
  for (const name of Object.keys(document.components['schemas'] ?? {})) t.ok(ids.has(`schema-${name}`), name);
  for (const { key } of ROWS) t.ok(page.includes(`<code>${key}</code>`), key);
  const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
  for (const link of new Set(links)) {
    if (link.startsWith('#')) t.ok(ids.has(link.slice(1)), link);
    else t.equal((await server.get(link)).status, 200, link);
  }
});

t.test('what a description holds is text on the page', (t) => {
  const hostile = `<img src=x onerror="alert('1')">&`;
  const schema = {
    type: 'object',
    description: hostile,
    properties: { [hostile]: { type: 'string', pattern: hostile } },
  };
  const operation = {
    operationId: 'a',
    summary: hostile,
    description: hostile,
    tags: ['images'] as const,
    parameters: [{ name: hostile, in: 'query', schema: { enum: [hostile, ''], description: hostile } }],
    requestBody: { content: { [hostile]: { schema } } },
    responses: {
      200: { description: hostile, content: { [hostile]: { schema: { type: 'array', items: schema } } } },
    },
  };
  const page = referencePage({
    info: { title: hostile, version: hostile, description: hostile },
    servers: [{ url: 'https://example.com' }],
    tags: [{ name: 'images', description: hostile }],
    paths: { '/a': { post: operation } },
    components: { schemas: { Hostile: schema } },
  });
  t.notMatch(page, /<img|onerror="/);
  t.ok(page.split('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;').length > 10);
  t.end();
});
