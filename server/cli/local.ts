import { createHash, randomBytes } from 'node:crypto';
import pino from 'pino';
import { openExternalServices } from '../compose/external-services.ts';
import { openRendering } from '../compose/rendering.ts';
import { composeServer } from '../compose/server.ts';
import { checkDataDir, openStores } from '../compose/stores.ts';
import type { Config } from '../config/settings.ts';
import { buildApp } from '../http/app.ts';
import type { Stores } from '../stores/contracts.ts';
import type { Management } from '../writing/management.ts';
import { settingsOver } from './environment.ts';

/** Of the environment, over another data folder where one is named. */
export const settingsOf = (data: string | undefined) =>
  settingsOver(data === undefined ? {} : { DATA_DIR: data });

/** Stores of the settings, for as long as `work` takes. */
export async function withStores<T>(
  data: string | undefined,
  work: (stores: Stores, config: Config) => Promise<T>,
): Promise<T> {
  const config = settingsOf(data);
  await checkDataDir(config);
  const stores = await openStores(config);
  try {
    return await work(stores, config);
  } finally {
    stores.close();
  }
}

export interface Local {
  readonly base: string;
  readonly token: string;
  readonly stores: Stores;
  readonly management: Management;
  close(): Promise<void>;
}

/**
 * The management API in this process, over the stores of the settings. It listens on a port of the loopback, for a
 * token that nobody else knows: commands make the same calls here as to a deployment.
 */
export async function openLocal(data: string | undefined, makesFolder: boolean): Promise<Local> {
  const config = settingsOf(data);
  if (!makesFolder) await checkDataDir(config);
  const token = randomBytes(32).toString('base64url');
  const stores = await openStores(config);
  const log = pino({ level: 'silent' });
  const rendering = await openRendering(config, stores, () => undefined);
  const { deps, images, uses, management } = composeServer(ownConfig(config, token), stores, {
    log,
    version: '0',
    isDraining: () => false,
    rendering,
    external: await openExternalServices(config, stores),
  });
  if (!management) throw new Error('There is no management API.');
  const app = await buildApp(deps);
  const base = await app.listen({ port: 0, host: '127.0.0.1' });
  const close = async () => {
    await app.close();
    deps.deferred.flush();
    await images.settle();
    await uses.stop();
    await rendering.close();
    stores.close();
  };
  return { base, token, stores, management, close };
}

/** URLs in answers are those of the server that people open, not of this process. */
function ownConfig(config: Config, token: string): Config {
  const hash = createHash('sha256').update(token).digest('hex');
  return {
    ...config,
    apiTokens: [{ name: 'command', scope: 'write', hash }],
    jwksUrl: undefined,
    apiRatePerMinute: 0,
    publicUrl: config.publicUrl ?? `http://localhost:${config.port}`,
  };
}
