import { openExternalServices } from '../server/compose/external-services.ts';
import { compileLater, logPool, openRendering } from '../server/compose/rendering.ts';
import { logUnusable, openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { exitWithError, withContext } from '../server/shared/error-text.ts';
import { createLog } from '../server/shared/log.ts';
import { packageVersion } from '../server/shared/package-version.ts';
import { onOrphaned } from '../server/shared/parent.ts';
import { lowerPriority } from '../server/shared/priority.ts';
import { listenFor } from '../server/telemetry/listen.ts';
import { openTracing } from '../server/telemetry/open-tracing.ts';
import { composeWarmer, type Warmer } from './compose.ts';

/** Of STOP_MS for ending in order; the rest is for giving back what did not end. */
const ORDERLY = 0.8;
/** A long poll takes 20 s; an answer that is this much late never comes. */
const HUNG_MS = 90_000;

/** For a container's health check, alive as long as the queue is looked at, and for Prometheus. */
async function listen(port: number, { worker, metrics }: Warmer): Promise<void> {
  await listenFor(
    { port },
    {
      '/healthz': () => ({ status: worker.idleMs < HUNG_MS ? 200 : 503 }),
      '/metrics': () => metrics.page(),
    },
  );
}

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  lowerPriority(config.warmerNice);
  const { log, flush } = await createLog(config);
  const stores = await openStores(config, { onUnusable: logUnusable(log) });
  const rendering = await openRendering({ ...config, renderSlots: config.warmSlots }, stores, logPool(log));
  const external = await openExternalServices(config, stores);
  const version = packageVersion();
  const tracing = await openTracing({ ...config, service: 'rendition-warmer', version, log });
  const warmer = await composeWarmer(config, stores, { log, external, rendering, version, tracing });
  const { worker, rounds, watching } = warmer;
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    worker.stop();
    watching?.stop();
    setTimeout(async () => {
      await worker.release();
      log.warn('not finished in time; given back');
      await flush();
      // process.exit would wait for a file or a name under way, since libuv joins its threads; the signal does not.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }, config.stopMs * ORDERLY).unref();
  };
  onOrphaned(() => stop('SIGTERM'));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const { warmerPort: port } = config;
  if (port) await withContext(`WARMER_PORT=${port}: cannot listen`, () => listen(port, warmer));
  rounds.start();
  watching?.start();
  const { layers } = rendering.pool;
  log.info({ stores: stores.summary, slots: config.warmSlots, layers, ready: true }, 'warming');
  void flush();
  compileLater(log);
  await worker.run();
  await watching?.stop();
  await rounds.stop();
  await tracing.close();
  await rendering.close();
  stores.close();
  log.info('stopped');
  await flush();
  process.exit(0);
}

main().catch(exitWithError);
