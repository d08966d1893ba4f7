import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Rooms from the inside out, and the rooms that each may use beside itself. First match names the room. */
const ROOMS: readonly [room: string, holds: RegExp, uses: readonly string[]][] = [
  ['edge-safe', /^server\/core\/(rule|canonical|accept|signature|colors)\.ts$/, []],
  ['errors', /^server\/(errors|failing)\.ts$/, []],
  ['core', /^server\/core\//, ['edge-safe', 'errors']],
  ['settings', /^server\/(settings|config|variants)\.ts$/, ['core', 'edge-safe', 'errors']],
  ['stores', /^server\/stores\//, ['errors', 'core', 'settings']],
  ['results', /^server\/results\.ts$/, ['core', 'stores']],
  ['cache', /^server\/cache\//, ['errors', 'results']],
  ['sandbox', /^server\/sandbox\//, ['core', 'errors']],
  [
    'routes',
    /^server\/(routes\/|lane\.ts|metrics\.ts)/,
    ['core', 'edge-safe', 'errors', 'settings', 'results', 'cache', 'stores', 'use cases'],
  ],
  [
    'app',
    /^server\/(app|compose|management)\.ts$/,
    [
      'core',
      'edge-safe',
      'errors',
      'settings',
      'results',
      'cache',
      'stores',
      'sandbox',
      'use cases',
      'routes',
    ],
  ],
  [
    'main',
    /^server\/(main|start|put|sign|log)\.ts$/,
    ['core', 'edge-safe', 'errors', 'settings', 'stores', 'use cases', 'app', 'routes'],
  ],
  [
    'use cases',
    /^server\/[a-z-]+\.ts$/,
    ['core', 'edge-safe', 'errors', 'settings', 'results', 'cache', 'stores', 'sandbox'],
  ],
  [
    'warmer',
    /^warmer\//,
    [
      'core',
      'edge-safe',
      'errors',
      'settings',
      'results',
      'cache',
      'stores',
      'sandbox',
      'use cases',
      'app',
      'main',
    ],
  ],
];

/** Packages and built-ins that a room may use; rooms that are not listed may use any. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'edge-safe': [],
  errors: [],
  core: ['sharp', 'thumbhash', 'blurhash'],
  cache: ['lru-cache'],
};

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

const roomOf = (file: string): string | undefined => ROOMS.find(([, holds]) => holds.test(file))?.[0];

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)[^;]*?from '([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

const files = [...sources('server'), ...sources('warmer')];

t.test('every file lies in a room', async (t) => {
  for (const file of files) t.ok(roomOf(file), file);
});

t.test('arrows lead inwards only', async (t) => {
  for (const file of files) {
    const room = roomOf(file);
    const uses = ROOMS.find(([name]) => name === room)?.[2] ?? [];
    for (const target of importsOf(file).filter((name) => name.startsWith('.'))) {
      const to = relative(ROOT, normalize(join(ROOT, dirname(file), target)));
      const other = roomOf(to);
      t.ok(other === room || uses.includes(other ?? ''), `${file} (${room}) → ${to} (${other})`);
    }
  }
});

t.test('the core is pure: no AWS, no HTTP, no clock, no environment', async (t) => {
  for (const file of files.filter((name) => /^server\/(core\/|errors)/.test(name))) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    t.notMatch(text, /process\.env|Date\.now|new Date\(\)|performance\.now|setTimeout|setInterval/, file);
    const allowed = PACKAGES[roomOf(file) ?? ''] ?? [];
    for (const target of importsOf(file).filter((name) => !name.startsWith('.')))
      t.ok(allowed.includes(target), `${file} → ${target}`);
  }
});

t.test('the environment is read by the entry points alone', async (t) => {
  const readers = files.filter((file) => /process\.env/.test(readFileSync(join(ROOT, file), 'utf8')));
  const entries = /^(server\/(main|start|put|sign)|warmer\/(main|redrive))\.ts$/;
  t.same(
    readers.filter((file) => !entries.test(file)),
    [],
  );
});

t.test('nothing imports infra', async (t) => {
  for (const file of files) t.notMatch(importsOf(file).join(' '), /infra\//, file);
});
