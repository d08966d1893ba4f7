import { noteAddress } from './compose/address-file.ts';
import { openExternalServices } from './compose/external-services.ts';
import { checkFallback } from './compose/fallback.ts';
import { withOwnToken } from './compose/own-token.ts';
import { compileLater, logPool, openRendering } from './compose/rendering.ts';
import { type Composed, composeServer } from './compose/server.ts';
import { logUnusable, openStores } from './compose/stores.ts';
import { loadConfig } from './config/settings.ts';
import { buildApp } from './http/app.ts';
import { Connections } from './http/connections.ts';
import { metricsPage } from './http/health.ts';
import { exitWithError, withContext } from './shared/error-text.ts';
import { createLog } from './shared/log.ts';
import { packageVersion } from './shared/package-version.ts';
import { onOrphaned, tellParent } from './shared/parent.ts';
import { listenFor } from './telemetry/listen.ts';
import { openTracing } from './telemetry/open-tracing.ts';

/**
 * For what was sent before its sender could know that this server ends: a connection that looks idle may have a request on
 * its way, and closing it breaks that off.
 */
const LULL_MS = 1000;

/** Once nobody asks any more: what is counted, noted or still to be stored goes out. */
async function settle({ deps, images, uses, demand, upgrades }: Composed): Promise<void> {
  deps.deferred.flush();
  deps.hitLog.flush();
  deps.overload.flush();
  await images.settle();
  for (const notes of [uses, demand, upgrades]) await notes.stop();
}

async function main(): Promise<void> {
  const config = await withOwnToken(loadConfig(process.env), (text) => process.stderr.write(text));
  const { log, flush } = await createLog(config);
  const stores = await openStores(config, { onUnusable: logUnusable(log) });
  await checkFallback(config, stores.originals);
  let draining = false;
  const rendering = await openRendering(config, stores, logPool(log));
  const version = packageVersion();
  const tracing = await openTracing({ ...config, service: 'rendition-server', version, log });
  const composed = composeServer(config, stores, {
    log,
    version,
    isDraining: () => draining,
    external: await openExternalServices(config, stores),
    rendering,
    tracing,
  });
  const { deps, uses, demand, upgrades } = composed;
  const app = await buildApp(deps);
  for (const notes of [uses, demand, upgrades]) notes.start();
  const connections = new Connections(app.server);
  const { port, host } = config;
  const where = `PORT=${port}, HOST="${host}": cannot listen`;
  const address = await withContext(where, () => app.listen({ port, host }));
  const { metricsPort } = config;
  if (metricsPort !== undefined)
    await withContext(`METRICS_PORT=${metricsPort}: cannot listen`, () =>
      listenFor({ port: metricsPort, host }, { '/metrics': () => metricsPage(deps) }),
    );
  const removeNote = await noteAddress(config, address);

  const stop = async (signal: string) => {
    if (draining) return;
    draining = true;
    log.info({ signal }, 'draining');
    // Past this the orchestrator kills us anyway: say so while there is a log to say it in.
    setTimeout(() => {
      log.error('not drained in time');
      void flush().then(() => process.exit(1));
    }, config.stopMs).unref();
    await connections.untilNone(Math.min(LULL_MS, config.stopMs / 4));
    // A connection that falls idle after its last answer would otherwise hold us for its keep-alive time.
    const since = performance.now();
    const idle = setInterval(() => connections.closeIdle(performance.now() - since), 100);
    await app.close();
    clearInterval(idle);
    await removeNote();
    await settle(composed);
    await tracing.close();
    await rendering.close();
    stores.close();
    log.info('drained');
    await flush();
    process.exit(0);
  };
  onOrphaned(() => void stop('disconnect'));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Not before: whoever is told so may end us at once.
  log.info({ address, stores: stores.summary, layers: rendering.pool.layers, ready: true }, 'listening');
  void flush();
  compileLater(log);
  // For whoever started us with a channel: on a port that was taken, somebody else would answer.
  tellParent({ ready: true, address });
}

main().catch(exitWithError);
