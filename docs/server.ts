import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { putFile } from '../server/cli/put.ts';
import { openExternalServices } from '../server/compose/external-services.ts';
import { openRendering, type Rendering } from '../server/compose/rendering.ts';
import { composeServer } from '../server/compose/server.ts';
import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { buildApp } from '../server/http/app.ts';
import type { Stores } from '../server/stores/stores.ts';

const SAMPLES = fileURLToPath(new URL('../samples/', import.meta.url));

let shared: Promise<Rendering> | undefined;

/** For all servers of this process, with which it ends: its processes take longer to start than most pages to make. */
function sharedRendering(): Promise<Rendering> {
  shared ??= openRendering(loadConfig({}), { scratchParent: tmpdir() }, () => undefined).then((rendering) => {
    process.once('exit', () => {
      rendering.pool.close();
      rmSync(rendering.scratch.folder, { recursive: true, force: true });
    });
    return rendering;
  });
  return shared;
}

/**
 * The real server over embedded stores in a folder of its own, with the samples of a first start in it, for as
 * long as `work` takes. What documentation shows is what this server answered.
 *
 * @param env  settings beside the defaults
 */
export async function withServer<T>(
  env: Readonly<Record<string, string>>,
  work: (app: FastifyInstance, stores: Stores) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
  const config = loadConfig({ DATA_DIR: folder, ...env });
  const stores = await openStores(config);
  const log = pino({ level: 'silent' });
  const external = await openExternalServices(config, stores);
  const rendering = await sharedRendering();
  const composed = composeServer(config, stores, {
    log,
    version: '0',
    isDraining: () => false,
    external,
    rendering,
  });
  const app = await buildApp(composed.deps);
  try {
    for (const name of await readdir(SAMPLES))
      if (!name.endsWith('.md')) await putFile(stores, join(SAMPLES, name), { id: `samples/${name}` });
    await app.ready();
    return await work(app, stores);
  } finally {
    await app.close();
    await composed.images.settle();
    stores.close();
    await rm(folder, { recursive: true, force: true });
  }
}
