import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { notedAddress } from '../compose/address-file.ts';
import type { Rendering } from '../compose/rendering.ts';
import type { Composed } from '../compose/server.ts';
import { checkDataDir, openStores } from '../compose/stores.ts';
import type { Config } from '../config/settings.ts';
import type { Stores } from '../stores/stores.ts';
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
  const { app, composed, rendering } = await serverOver(await ownConfig(config, token), stores);
  const { deps, images, uses, management } = composed;
  if (!management) throw new Error('There is no management API.');
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

/** Loaded here alone: `serve` and most other commands do without, and would keep 100 MB for it. */
async function serverOver(
  config: Config,
  stores: Stores,
): Promise<{ app: FastifyInstance; composed: Composed; rendering: Rendering }> {
  const [
    { pino },
    { openExternalServices },
    { prepareRendering, sayBroken },
    { composeServer },
    { buildApp },
  ] = await Promise.all([
    import('pino'),
    import('../compose/external-services.ts'),
    import('../compose/rendering.ts'),
    import('../compose/server.ts'),
    import('../http/app.ts'),
  ]);
  const rendering = await prepareRendering(
    config,
    stores,
    sayBroken((line) => void process.stderr.write(line)),
  );
  const composed = composeServer(config, stores, {
    log: pino({ level: 'silent' }),
    version: '0',
    isDraining: () => false,
    rendering,
    external: await openExternalServices(config, stores),
  });
  return { app: await buildApp(composed.deps), composed, rendering };
}

/** Of one call, the longest that a setting may have: who runs a command waits, also for its first render process. */
const COMMAND_DEADLINE_MS = 300_000;

/** URLs in answers are those of the server that people open, not of this process. */
async function ownConfig(config: Config, token: string): Promise<Config> {
  const hash = createHash('sha256').update(token).digest('hex');
  return {
    ...config,
    apiTokens: [{ name: 'command', scope: 'write', hash }],
    jwksUrl: undefined,
    apiRatePerMinute: 0,
    deadlineMs: COMMAND_DEADLINE_MS,
    publicUrl: config.publicUrl ?? (await notedAddress(config)) ?? `http://localhost:${config.port}`,
  };
}
