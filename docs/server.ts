import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { putFile } from '../server/cli/put.ts';
import { openExternalServices } from '../server/compose/external-services.ts';
import { openRendering } from '../server/compose/rendering.ts';
import { composeServer } from '../server/compose/server.ts';
import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { buildApp } from '../server/http/app.ts';
import type { Stores } from '../server/stores/contracts.ts';

const SAMPLES = fileURLToPath(new URL('../samples/', import.meta.url));

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
  const rendering = await openRendering(config, stores, () => undefined);
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
    await rendering.close();
    stores.close();
    await rm(folder, { recursive: true, force: true });
  }
}
