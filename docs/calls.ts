import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { openExternalServices } from '../server/compose/external-services.ts';
import { composeServer } from '../server/compose/server.ts';
import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { buildApp } from '../server/http/app.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
}

/** What the OpenAPI document of a server with default settings lists. */
export async function calls(): Promise<Call[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
  const config = loadConfig({ DATA_DIR: folder });
  const stores = await openStores(config);
  const log = pino({ level: 'silent' });
  const external = await openExternalServices(config);
  const composed = composeServer(config, stores, { log, version: '0', isDraining: () => false, external });
  const app = await buildApp(composed.deps);
  try {
    await app.ready();
    return Object.entries(app.swagger().paths ?? {}).flatMap(([path, item]) =>
      Object.entries(item ?? {}).map(([method, operation]) => ({
        method,
        path,
        summary: summaryOf(operation),
      })),
    );
  } finally {
    await app.close();
    composed.core.sandbox.close();
    stores.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function summaryOf(operation: unknown): string {
  const known = operation !== null && typeof operation === 'object' && 'summary' in operation;
  return known ? String(operation.summary) : '';
}
