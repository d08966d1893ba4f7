import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { Feeds } from '../feeds/feeds.ts';
import { FeedStates } from '../feeds/state.ts';
import { Auth } from '../http/api/auth.ts';
import { apiGuard } from '../http/api/guard.ts';
import { managementApi } from '../http/api/plugin.ts';
import type { AppDeps } from '../http/app.ts';
import type { Demand } from '../reading/demand.ts';
import type { Stores } from '../stores/stores.ts';
import { countedStores } from '../telemetry/counted-stores.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { ECHO, type Tracing } from '../telemetry/tracing.ts';
import type { Management } from '../writing/management.ts';
import { composeAnswering } from './answering.ts';
import { type Core, composeCore } from './core.ts';
import type { ExternalServices } from './external-services.ts';
import { readPulls } from './fetch-metrics.ts';
import { composeManagement } from './management.ts';
import { composeReading, type Reading } from './reading.ts';
import type { Rendering } from './rendering.ts';
import { readProgram, readServer } from './server-metrics.ts';
import { traceCore } from './traced.ts';

export interface Composed extends Pick<Reading, 'images' | 'uses' | 'upgrades' | 'demand'> {
  readonly deps: AppDeps;
  readonly core: Core;
  /** Absent where no external service was handed in. */
  readonly management: Management | undefined;
}

interface Process {
  readonly log: Logger;
  readonly version: string;
  readonly isDraining: () => boolean;
  readonly plugins?: AppDeps['plugins'];
  readonly external?: ExternalServices;
  readonly rendering: Rendering;
  /** Absent: none. */
  readonly tracing?: Tracing;
}

/** Everything that buildApp needs; `isDraining` is asked by /readyz and before every other request. */
export function composeServer(config: Config, uncounted: Stores, process: Process): Composed {
  const { log, version, external, rendering, tracing = ECHO, plugins = [] } = process;
  const metrics = new Metrics('server');
  const stores = countedStores(uncounted, metrics);
  const core = composeCore(config, stores, rendering, log);
  traceCore(core, tracing);
  const reading = composeReading(config, stores, core, log);
  const { memory, deferred, images, uses, demand, upgrades } = reading;
  const management = external && composeManagement(config, stores, core, { external, log, memory });
  if (management) {
    core.originals.pullThrough(management.pulls);
    readPulls(metrics, management);
  }
  readProgram(metrics, core, { config, stores, version });
  readServer(metrics, core, { memory, images, uploads: management?.uploads });
  const auth = new Auth(config);
  if (management && auth.isOpen)
    log.info('the management API is open to this machine alone: neither API_TOKENS nor JWKS_URL is set');
  const api = management && apiPlugin(config, stores, core, { management, external, demand, metrics });
  const shared = { log, metrics, tracing };
  const deps = {
    ...shared,
    ...composeAnswering(config, core, reading, shared),
    deferred,
    health: { metrics, deferred, ...healthOf(config, stores, process) },
    ...pagesOf(config, stores, management && auth),
    guard: apiGuard(auth, config.corsOrigins),
    corsOrigins: config.corsOrigins,
    plugins: api ? [api, ...plugins] : plugins,
    openApi: { version, publicUrl: config.publicUrl, hasTokens: !auth.isOpen },
    proxyHops: config.proxyHops,
  };
  return { deps, core, images, uses, upgrades, demand, management };
}

function healthOf({ metricsPort }: Config, stores: Stores, { isDraining, rendering }: Process) {
  const probes = {
    originals: () => stores.originals.ping(),
    results: () => stores.results.ping(),
    records: () => stores.records.ping(),
    jobs: () => stores.jobs.ping(),
  };
  const broken = () => rendering.pool.broken;
  return { probes, isDraining, broken, isScrapedElsewhere: metricsPort !== undefined };
}

/** @param auth  of the management API; undefined where there is none */
function pagesOf(
  config: Config,
  { originals }: Stores,
  auth: Auth | undefined,
): Pick<AppDeps, 'watermarks' | 'playground'> {
  const watermarks = Object.keys(config.watermarks);
  const api = !auth ? 'none' : auth.isOpen ? 'open' : 'token';
  const isReadOnly = originals.isReadOnly === true;
  return { watermarks, playground: { settings: config, watermarks, api, isReadOnly } };
}

function apiPlugin(
  config: Config,
  stores: Stores,
  core: Core,
  parts: { management: Management; external: ExternalServices; demand: Demand; metrics: Metrics },
): AppDeps['plugins'][number] {
  const { presets, apiRatePerMinute: ratePerMinute, webhookSecrets, webhookPrivate } = config;
  const { maxSourceBytes, maxUploadBytes = maxSourceBytes, minUploadRate } = config;
  const { management, external, demand, metrics } = parts;
  const { localForms } = external;
  const { ignoredParameters: ignored } = config;
  return (app) =>
    managementApi(app, {
      ...management,
      records: stores.records,
      metrics,
      demand,
      feeds: new Feeds(new FeedStates(stores.records.progress), () => new Date()),
      presets,
      ignored,
      isReadOnly: stores.originals.isReadOnly === true,
      ratePerMinute,
      maxUploadBytes,
      minUploadRate,
      webhookPrivate,
      localForms,
      check: (canonical) => core.renderer.check(canonical),
      hasWebhookSecret: webhookSecrets.length > 0,
    });
}
