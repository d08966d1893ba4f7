import t from 'tap';
import {
  circles,
  fileCircles,
  type ImportGraph,
  importGraph,
  readSources,
  roomArrows,
  roomOf,
} from './imports.ts';
import { EDGE_SAFE, mayUse, PACKAGES, ROOMS } from './table.ts';

const texts = readSources('server', 'warmer');
const graph = importGraph(texts);

/** Imports that the table of rooms does not have, each as `file → file`. */
function forbiddenArrows(graph: ImportGraph): string[] {
  return [...graph].flatMap(([file, { files }]) =>
    files.filter((target) => !mayUse(roomOf(file), roomOf(target))).map((target) => `${file} → ${target}`),
  );
}

/** The tree with one more import in one of its files. */
function planted(file: string, target: string): ImportGraph {
  const imports = graph.get(file);
  if (!imports) throw new Error(`No such file: ${file}`);
  return new Map([...graph, [file, { ...imports, files: [...imports.files, target] }]]);
}

t.test('every folder is a room of the table, and every room of the table is a folder', async (t) => {
  t.same([...new Set([...graph.keys()].map(roomOf))].sort(), Object.keys(ROOMS).sort());
});

t.test('a room imports what the table allows it', async (t) => {
  t.same(forbiddenArrows(graph), []);
});

t.test('no rooms and no files import each other in a circle, inside a room neither', async (t) => {
  t.same(circles(roomArrows(graph)), []);
  t.same(fileCircles(graph), []);
});

const STORE_ROOMS = Object.keys(ROOMS).filter((room) => room.startsWith('server/stores/'));

/** Where a store is told from another one, as `file: text`. */
function tellsStores(texts: ReadonlyMap<string, string>, graph: ImportGraph): string[] {
  const outside = [...graph].filter(
    ([file]) => !file.startsWith('server/stores/') && file !== 'server/compose/stores.ts',
  );
  return outside.flatMap(([file, { files }]) => {
    const imported = files.filter((target) => STORE_ROOMS.includes(roomOf(target)));
    const told = texts
      .get(file)
      ?.match(
        /\b(instanceof (S3|Dynamo|Sq|File|Local)\w*|(originals|results)Bucket|recordsTable|jobs(DeadLetter)?Queue)\b/g,
      );
    const isSettings = file.startsWith('server/config/');
    return [...imported, ...(isSettings ? [] : (told ?? []))].map((found) => `${file}: ${found}`);
  });
}

t.test('nothing beyond compose/stores.ts knows which stores it has', async (t) => {
  t.same(tellsStores(texts, graph), []);
  const file = 'server/cli/put.ts';
  const knowing = new Map([...texts, [file, 'if (config.originalsBucket) return;']]);
  t.same(tellsStores(knowing, graph), [`${file}: originalsBucket`], 'one that asks is found');
});

t.test('a planted arrow and a planted circle are found', async (t) => {
  const outwards = planted('server/core/plan/plan.ts', 'server/http/app.ts');
  t.same(forbiddenArrows(outwards), ['server/core/plan/plan.ts → server/http/app.ts']);
  t.ok(circles(roomArrows(outwards)).length > 0, 'rooms in a circle');
  const inside = planted('server/core/render/types.ts', 'server/core/render/render.ts');
  t.same(forbiddenArrows(inside), [], 'the table does not see inside a room');
  t.ok(
    fileCircles(inside).some((ring) => ring.includes('server/core/render/types.ts')),
    'the circle of files does',
  );
});

t.test('what runs at the edge imports only what runs at the edge', async (t) => {
  for (const [file, { files, packages }] of graph) {
    if (!EDGE_SAFE.test(file)) continue;
    t.same(
      files.filter((target) => !EDGE_SAFE.test(target)),
      [],
      file,
    );
    t.same(packages, [], file);
    t.match(texts.get(file), /^\/\/ \[edge-safe\]/, file);
  }
});

t.test('the core is pure: no AWS, no HTTP, no clock, no environment', async (t) => {
  const pure = [...texts].filter(([file]) => /^server\/(core\/|shared\/errors)/.test(file));
  for (const [file, text] of pure) {
    t.notMatch(text, /process\.env|Date\.now|new Date\(\)|performance\.now|setTimeout|setInterval/, file);
    const allowed = PACKAGES[roomOf(file)] ?? [];
    t.same(
      graph.get(file)?.packages.filter((name) => !allowed.includes(name)),
      [],
      file,
    );
  }
});

/** What opens pictures, each with its file. */
function decoders(texts: ReadonlyMap<string, string>): string[] {
  const loads =
    /(?:^|\n)import (?!type )[^;]*?from '(?:sharp|[^']*core\/(?:render|sharp)\/[^']*)'|import\('(?:sharp|[^']*core\/(?:render|sharp)\/[^']*)'\)/;
  return [...texts].filter(([, text]) => loads.test(text)).map(([file]) => file);
}

t.test(
  'only render processes open pictures: whatever hostile bytes do, they do it without keys',
  async (t) => {
    const outside = [...texts].filter(([file]) => !/^server\/(core|sandbox)\//.test(file));
    t.same(decoders(new Map(outside)), []);
    for (const planted of ["import sharp from 'sharp';", "await import('../core/render/pipeline.ts')"])
      t.same(decoders(new Map([['a.ts', planted]])), ['a.ts'], planted);
  },
);

t.test('the environment is read by the entry points alone', async (t) => {
  const readers = [...texts].filter(([, text]) => /process\.env/.test(text)).map(([file]) => file);
  const entries = /^(server\/(main|cli\/environment)|warmer\/main)\.ts$/;
  t.same(
    readers.filter((file) => !entries.test(file)),
    [],
  );
});

t.test('nothing imports infra', async (t) => {
  for (const [file, { files }] of graph)
    t.same(
      files.filter((target) => target.startsWith('infra/')),
      [],
      file,
    );
});
