import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import pino, { type Logger } from 'pino';
import type { ExternalServices } from '../../server/compose/external-services.ts';
import { openExternalServices } from '../../server/compose/external-services.ts';
import { type Composed, composeServer } from '../../server/compose/server.ts';
import { logUnusable, openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { buildApp } from '../../server/http/app.ts';
import type { Stores } from '../../server/stores/stores.ts';
import { openTracing } from '../../server/telemetry/open-tracing.ts';
import { PATIENT } from './env.ts';
import { removeFolder, temporaryFolder } from './folders.ts';
import { sharedRendering } from './rendering.ts';

export interface TestServer {
  base: string;
  app: FastifyInstance;
  stores: Stores;
  composed: Composed;
  /** Log lines so far, parsed. */
  lines: Record<string, unknown>[];
  /** GET of a path, redirects and caches excluded. */
  get(path: string, init?: RequestInit): Promise<Response>;
  put(id: string, bytes: Uint8Array): Promise<void>;
  drain(): void;
  close(): Promise<void>;
}

function logInto(lines: Record<string, unknown>[]): Logger {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).trim().split('\n')) lines.push(JSON.parse(line));
      done();
    },
  });
  return pino({ level: 'info' }, sink);
}

/**
 * The real server over real stores, listening on a free port.
 *
 * @param env     as in production
 * @param beyond  ready clients of what lies beyond the stores; others are made from `env`
 * @param alter   puts something between the server and its stores, for faults
 */
export async function startServer(
  env: Record<string, string> = {},
  beyond: Partial<ExternalServices> = {},
  alter: (stores: Stores) => Stores = (stores) => stores,
): Promise<TestServer> {
  const own = env['DATA_DIR'] === undefined ? await temporaryFolder() : undefined;
  const config = loadConfig({ ...PATIENT, DATA_DIR: own, HOST: '127.0.0.1', VERSION_SECONDS: '0', ...env });
  const lines: Record<string, unknown>[] = [];
  let draining = false;
  const log = logInto(lines);
  const stores = await openStores(config, { onUnusable: logUnusable(log) });
  const external = { ...(await openExternalServices(config, stores)), ...beyond };
  const rendering = await sharedRendering();
  const tracing = await openTracing({ ...config, service: 'rendition-server', version: '0', log });
  const composed = composeServer(config, alter(stores), {
    tracing,
    log,
    version: '0',
    isDraining: () => draining,
    external,
    rendering,
  });
  const app = await buildApp(composed.deps);
  const base = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    base,
    app,
    stores,
    composed,
    get lines() {
      composed.deps.deferred.flush();
      return lines;
    },
    get: (path, init) => fetch(base + path, { redirect: 'manual', ...init }),
    put: async (id, bytes) => {
      await stores.originals.put(id, bytes, { contentType: 'application/octet-stream' });
    },
    drain: () => {
      draining = true;
    },
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
      composed.deps.deferred.flush();
      await composed.images.settle();
      await tracing.close();
      stores.close();
      if (own) await removeFolder(own);
    },
  };
}

export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) {
    throw new Error(`not a problem: ${response.status} ${await response.text()}`);
  }
  return (await response.json()) as Record<string, unknown>;
}

export async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}
