import { fileURLToPath } from 'node:url';
import { FeedStates } from '../server/feeds/state.ts';
import { callsOf } from './calls.ts';
import { curl } from './curl.ts';
import { plain } from './markdown.ts';
import { withServer } from './server.ts';

interface Example {
  /** As the OpenAPI document spells it. */
  readonly call: string;
  /** What is sent; `<name>` is what an earlier answer had under that name. */
  readonly command: string;
}

/** The server that the page names; another one answers. */
const BASE = 'http://localhost:8080';
/** The folder from which the commands are run: the pictures that they send are in it. */
const FOLDER = fileURLToPath(new URL('../samples/', import.meta.url));

const IMAGE = `${BASE}/api/images/products/rose.jpg`;
const json = (body: object): string => `-H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
/** As docs/signing.md has it in its examples. */
const SIGNING_KEYS = 'main=00112233445566778899aabbccddeeff';
const FORM = ['key', 'Content-Type', 'policy', 'signature'].map((name) => `-F '${name}=<${name}>'`).join(' ');

/** Every call of the management API, in an order in which each finds what it needs. */
const EXAMPLES: readonly Example[] = [
  {
    call: 'POST /api/images',
    command: `curl -F file=@flower-macro.jpg -F id=products/rose.jpg -F title='A flower' -F 'variants=["w=320&fmt=webp"]' ${BASE}/api/images`,
  },
  { call: 'GET /api/images/{id}/status', command: `curl ${IMAGE}/status` },
  { call: 'GET /api/images/{id}', command: `curl ${IMAGE}` },
  { call: 'GET /api/images', command: `curl '${BASE}/api/images?limit=1'` },
  {
    call: 'PATCH /api/images/{id}',
    command: `curl -X PATCH ${json({ title: 'A rose', focal: { x: 0.5, y: 0.4 } })} ${IMAGE}`,
  },
  {
    call: 'POST /api/images/{id}/variants',
    command: `curl ${json({ variants: ['p=thumb&fmt=webp'] })} ${IMAGE}/variants`,
  },
  {
    call: 'DELETE /api/images/{id}/variants',
    command: `curl -X DELETE ${json({ variants: ['p=thumb&fmt=webp'] })} ${IMAGE}/variants`,
  },
  { call: 'POST /api/rewarm', command: `curl -X POST ${BASE}/api/rewarm` },
  { call: 'GET /api/feeds', command: `curl ${BASE}/api/feeds` },
  { call: 'POST /api/feeds/{name}/run', command: `curl -X POST ${BASE}/api/feeds/shop/run` },
  { call: 'GET /api/warm-set', command: `curl ${BASE}/api/warm-set` },
  { call: 'POST /api/images/{id}/notifications', command: `curl -X POST ${IMAGE}/notifications` },
  { call: 'POST /api/images/{id}/purge', command: `curl -X POST ${IMAGE}/purge` },
  {
    call: 'PUT /api/images/{id}/original',
    command: `curl -X PUT -F file=@ladybug.jpg ${IMAGE}/original`,
  },
  {
    call: 'GET /api/explain/{id}',
    command: `curl '${BASE}/api/explain/samples/ladybug.jpg?width=400&format=webp'`,
  },
  { call: 'GET /api/presets', command: `curl ${BASE}/api/presets` },
  {
    call: 'POST /api/images/presign',
    command: `curl ${json({ filename: 'cmyk.jpg', contentType: 'image/jpeg', size: 5174, id: 'from/a/browser.jpg' })} ${BASE}/api/images/presign`,
  },
  {
    call: 'POST /api/uploads/{id}',
    command: `curl ${FORM} -F file=@cmyk-small.jpg ${BASE}/api/uploads/from%2Fa%2Fbrowser.jpg`,
  },
  {
    call: 'POST /api/sign',
    command: `curl ${json({ urls: ['/img/products/rose.jpg?w=800'] })} ${BASE}/api/sign`,
  },
  {
    call: 'POST /api/images/import',
    command: `curl ${json({ urls: [{ url: 'https://cdn.example.com/tulip.jpg', id: 'products/tulip.jpg', variants: ['w=320&fmt=webp'] }, { url: 'http://192.168.0.1/private.jpg' }] })} ${BASE}/api/images/import`,
  },
  {
    call: 'POST /api/images/{id}/refresh',
    command: `curl -X POST ${BASE}/api/images/products/tulip.jpg/refresh`,
  },
  {
    call: 'DELETE /api/images/{id}/block',
    command: `curl -X DELETE ${BASE}/api/images/shop/shoe.jpg/block`,
  },
  { call: 'POST /api/collections', command: `curl ${json({ name: 'Autumn' })} ${BASE}/api/collections` },
  { call: 'GET /api/collections', command: `curl ${BASE}/api/collections` },
  { call: 'GET /api/collections/{id}', command: `curl ${BASE}/api/collections/<id>` },
  {
    call: 'PATCH /api/collections/{id}',
    command: `curl -X PATCH ${json({ description: 'All that is red' })} ${BASE}/api/collections/<id>`,
  },
  {
    call: 'POST /api/collections/{id}/relationships/images',
    command: `curl ${json({ images: ['products/rose.jpg'] })} ${BASE}/api/collections/<id>/relationships/images`,
  },
  {
    call: 'DELETE /api/collections/{id}/relationships/images',
    command: `curl -X DELETE ${json({ images: ['products/rose.jpg'] })} ${BASE}/api/collections/<id>/relationships/images`,
  },
  { call: 'DELETE /api/collections/{id}', command: `curl -X DELETE ${BASE}/api/collections/<id>` },
  { call: 'DELETE /api/images/{id}', command: `curl -X DELETE ${IMAGE}` },
];

/** What another run, machine or release answers otherwise, as it is shown. */
const SHOWN: Readonly<Record<string, unknown>> = {
  createdAt: '2026-11-29T10:00:00.000Z',
  updatedAt: '2026-11-29T10:00:01.000Z',
  expires: '2026-11-29T11:00:00.000Z',
  policy: 'eyJpZCI6…',
  signature: 'S5Vv8tx2…',
  instance: 'b1d8…-4',
  cpuMs: 30,
  memoryBytes: 13_757_082,
};
const STATUS_KEY = /\bkey=\d+\.[\w-]+/g;
const ULID = /\b[0-9a-hjkmnp-tv-z]{26}\b/g;

function shownAnswer(text: string): string {
  const answer = JSON.parse(text, (name, value) => (value === null ? null : (SHOWN[name] ?? value)));
  return JSON.stringify(answer, null, 2)
    .replace(STATUS_KEY, 'key=1796310000.Yw3…')
    .replace(ULID, '01m8jnf522fm4z0v5w56t7pj08');
}

/** Every text of an answer by its name, for the commands that follow. */
function remember(text: string, values: Map<string, string>): void {
  JSON.parse(text, (name, value) => {
    if (typeof value === 'string') values.set(name, value);
    return value;
  });
}

/** @throws Error for an example that the server does not accept */
async function run(command: string, base: string, values: Map<string, string>): Promise<string[]> {
  const sent = command.replace(/<([\w-]+)>/g, (_all, name) => values.get(name) ?? '');
  const answer = await curl(sent, base, FOLDER);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${command}: ${answer.status} ${text}`);
  if (text) remember(text, values);
  const shown = text ? [`\`\`\`json\n${shownAnswer(text)}\n\`\`\``] : [];
  return [`\`\`\`sh\n${command}\n\`\`\``, `answers ${answer.status}${text ? ':' : '.'}`, ...shown];
}

/** As a watcher leaves it that has run the feed once. */
async function putFeed(states: FeedStates): Promise<void> {
  const startedAt = '2026-11-29T10:00:00.000Z';
  const from = 'https://shop.example/sitemap.xml';
  const feed = {
    name: 'shop',
    kind: 'sitemap',
    from,
    path: undefined,
    next: undefined,
    role: undefined,
    prefix: 'shop/',
    everyMinutes: 60,
    collection: undefined,
    vanished: 'mark',
    recheck: 'always',
  } as const;
  const reasons = [
    {
      from: 'https://shop.example/old.jpg',
      error: 'source_refused: https://shop.example/old.jpg answers 404.',
    },
  ];
  const summary = { seen: 240, new: 12, changed: 3, pending: 0, vanished: 1, failed: 1, reasons };
  await states.putIndex({ readAt: startedAt, feeds: [feed] });
  await states.put('shop', {
    source: from,
    run: 1,
    isRunning: false,
    shards: [],
    documents: {},
    refused: { count: 0, first: [] },
    summary: { startedAt, finishedAt: '2026-11-29T10:00:04.000Z', ...summary },
  });
}

/**
 * A section for every call, with what a real server answered.
 *
 * @throws Error that names calls without an example, or examples of no call
 */
export function apiExamples(): Promise<string> {
  const NOTIFICATIONS_TOPIC = 'arn:aws:sns:eu-west-1:123456789012:finished';
  const env = { PUBLIC_URL: BASE, SIGNING_KEYS, NOTIFICATIONS_TOPIC, IMPORT_HOSTS: 'cdn.example.com' };
  return withServer(env, async (app, { records }) => {
    await putFeed(new FeedStates(records.progress));
    const summaries = new Map(
      callsOf(app).map(({ method, path, summary }) => [`${method} ${path}`, summary]),
    );
    const named = new Set(EXAMPLES.map(({ call }) => call));
    const bare = [...summaries.keys()].filter((call) => call.includes(' /api/') && !named.has(call));
    const stray = [...named].filter((call) => !summaries.has(call));
    if (bare.length || stray.length)
      throw new Error(`docs/api-examples.ts has no example of: ${bare}; and one of no call: ${stray}`);
    const base = await app.listen({ port: 0, host: '127.0.0.1' });
    const values = new Map<string, string>();
    const sections: string[] = [];
    for (const { call, command } of EXAMPLES) {
      const parts = await run(command, base, values);
      sections.push(`### ${call}`, plain(summaries.get(call) ?? ''), ...parts);
    }
    return sections.join('\n\n');
  });
}
