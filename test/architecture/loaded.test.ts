import { dirname, join, relative } from 'node:path';
import t from 'tap';
import { ROOT, readSources } from './imports.ts';

const STATIC = /(?:^|\n)(?:import (?:(?!type )[^;]*?from )?|export (?:\*|\{)[^;]*?from )'([^']+)'/g;

/** Files and packages that a program reads before it runs, by way of whatever it imports; `import()` is for later. */
function loadedBy(entry: string, texts: ReadonlyMap<string, string>): Set<string> {
  const loaded = new Set([entry]);
  for (const file of loaded)
    for (const [, name = ''] of texts.get(file)?.matchAll(STATIC) ?? [])
      loaded.add(name.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), name)) : name);
  return loaded;
}

/**
 * Decoders, which belong to render processes, and what few deployments need and takes a tenth of a start or more; what
 * checks requests and writes answers of the API; `node:http` as a module (server/shared/node-http.ts).
 */
const LATER =
  /^(?:sharp|jose|jsonpath-|libheif-|ajv|node:http$|typebox\/(?:compile|value)$|@aws-sdk\/|@fastify\/(?:ajv|fast-json)|@img\/|server\/core\/(?:render|sharp)\/)/;

const texts = readSources('server', 'warmer');

for (const entry of ['server/main.ts', 'warmer/main.ts'])
  t.test(`${entry} starts without decoders, and without clients of what may not be there`, async (t) => {
    const loaded = loadedBy(entry, texts);
    t.ok(loaded.has('server/compose/core.ts') && loaded.has('pino') && loaded.size > 100, `${loaded.size}`);
    t.same(
      [...loaded].filter((name) => LATER.test(name)),
      [],
    );
    const planted = `${texts.get('server/reading/renderer.ts')}\nimport '../core/render/pipeline.ts';`;
    const found = loadedBy(entry, new Map([...texts, ['server/reading/renderer.ts', planted]]));
    t.ok(found.has('sharp'), 'one that is planted is found, by way of another file');
  });
