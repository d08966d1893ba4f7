import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { readQuery } from '../core/operations/transformation.ts';
import { Feeds } from '../feeds/feeds.ts';
import { FeedStates } from '../feeds/state.ts';
import { Auth } from '../http/api/auth.ts';
import { apiGuard } from '../http/api/guard.ts';
import { managementApi } from '../http/api/plugin.ts';
import type { AppDeps } from '../http/app.ts';
import { HitLog } from '../http/hit-log.ts';
import { HitPath } from '../http/hit-path.ts';
import { Overload } from '../http/overload.ts';
import { PictureMetrics } from '../http/picture-metrics.ts';
import { Access } from '../reading/access.ts';
import { Demand } from '../reading/demand.ts';
import { epochsAtEdge } from '../reading/epoch.ts';
import { Images } from '../reading/images.ts';
import { ResultCache } from '../reading/result-cache.ts';
import { Uses } from '../reading/uses.ts';
import { Deferred } from '../shared/deferred.ts';
import { memoize } from '../shared/memoize.ts';
import type { Stores } from '../stores/contracts.ts';
import { countedStores } from '../telemetry/counted-stores.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { ECHO, type Tracing } from '../telemetry/tracing.ts';
import { type Upgradable, Upgrades } from '../warming/upgrades.ts';
import type { Management } from '../writing/management.ts';
import type { Core } from './core.ts';
import { composeCore, monotonic } from './core.ts';
import type { ExternalServices } from './external-services.ts';
import { composeManagement } from './management.ts';
import type { Rendering } from './rendering.ts';
import { readProgram, readServer } from './server-metrics.ts';
import { traceCore } from './traced.ts';

const unixSeconds = (): number => Date.now() / 1000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Takes over a sane X-Request-Id, so that one id follows a request through CloudFront and logs; else makes one. */
export function requestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return ({ headers }) => {
    const header = headers['x-request-id'];
    if (typeof header === 'string' && REQUEST_ID.test(header)) return header;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}

/** Query strings whose meaning is kept; of 1 KB at most. */
const QUERIES = 2000;

export interface Composed {
  readonly deps: AppDeps;
  readonly core: Core;
  readonly images: Images;
  readonly uses: Uses;
  readonly upgrades: Upgrades;
  readonly demand: Demand;
  /** Absent where no external service was handed in. */
  readonly management: Management | undefined;
}

/** Everything that buildApp needs; `isDraining` is asked by /readyz and before every other request. */
export function composeServer(
  config: Config,
  uncounted: Stores,
  process: {
    log: Logger;
    version: string;
    isDraining: () => boolean;
    plugins?: AppDeps['plugins'];
    external?: ExternalServices;
    rendering: Rendering;
    /** Absent: none. */
    tracing?: Tracing;
  },
): Composed {
  const metrics = new Metrics('server');
  const pictures = new PictureMetrics(metrics);
  const stores = countedStores(uncounted, metrics);
  const core = composeCore(config, stores, process.rendering, process.log);
  const { tracing = ECHO } = process;
  traceCore(core, tracing);
  const { originals, inputs, results, renderer, haste } = core;
  const memory = new ResultCache(config.memoryBytes);
  const { log } = process;
  const onStoreFailure = (err: unknown, { id, canonical }: { id: string; canonical: string }) =>
    log.warn({ err, id, canonical }, 'results bucket failed; the answer went out without it');
  const deferred = new Deferred();
  const uses = new Uses({
    results,
    now: monotonic,
    onFailure: (err) => log.warn({ err }, 'the use of results was not noted'),
  });
  const demand = new Demand({
    progress: stores.records.progress,
    halfLifeDays: config.warmLearnedDays,
    now: Date.now,
    onFailure: (err) => log.warn({ err }, 'what was asked for was not written; again in a minute'),
  });
  const upgrades = new Upgrades({
    jobs: stores.jobs,
    onFailure: (err) => log.warn({ err }, 'results that can become smaller were not told of'),
  });
  const onUpgradable = config.upgrade === 'on' ? (result: Upgradable) => upgrades.note(result) : undefined;
  const images = new Images({
    originals,
    inputs,
    results,
    renderer,
    memory,
    haste,
    deferred,
    uses,
    lookupMs: config.lookupMs,
    now: monotonic,
    onStoreFailure,
    onUpgradable,
  });
  const requestId = requestIds();
  const hitLog = new HitLog({ log, metrics: pictures, mode: config.logHits });
  const hitPath = new HitPath({
    memory,
    inputs,
    stored: (variant, identity) => images.findAtOnce(variant, identity),
    uses,
    settings: config,
    now: monotonic,
    requestId,
    tracing,
    onHit: (hit) => hitLog.add(hit),
  });
  const refusal = () => core.admissions.render.refusal();
  const overload = new Overload({ log, metrics: pictures, refusal, requestId, tracing, now: monotonic });
  const access = new Access(config, unixSeconds);
  const { presets, deadlineMs, ignoredParameters, fallbackImage } = config;
  const image = {
    images,
    originals,
    renderer,
    access,
    demand,
    hitPath,
    overload,
    presets,
    readQuery: memoize((query) => readQuery(query, presets, ignoredParameters), QUERIES),
    settings: config,
    epochs: epochsAtEdge(config),
    deadlineMs,
    fallbackImage,
    now: unixSeconds,
  };
  const { external, plugins = [] } = process;
  const management = external && composeManagement(config, stores, core, { external, log, memory });
  if (management) originals.pullThrough(management.pulls);
  readProgram(metrics, core, { config, stores, version: process.version });
  readServer(metrics, core, { memory, images, uploads: management?.uploads });
  const auth = new Auth(config);
  if (management && auth.isOpen)
    log.info('the management API is open to this machine alone: neither API_TOKENS nor JWKS_URL is set');
  const api = management && apiPlugin(config, stores, core, { management, external, demand, metrics });
  const probes = {
    originals: () => stores.originals.ping(),
    results: () => stores.results.ping(),
    records: () => stores.records.ping(),
    jobs: () => stores.jobs.ping(),
  };
  const broken = () => process.rendering.pool.broken;
  const { isDraining } = process;
  const isScrapedElsewhere = config.metricsPort !== undefined;
  const health = { metrics, deferred, probes, isDraining, broken, isScrapedElsewhere };
  const watermarks = Object.keys(config.watermarks);
  const deps = {
    log,
    hitPath,
    hitLog,
    overload,
    metrics,
    pictures,
    tracing,
    deferred,
    requestId,
    image,
    health,
    watermarks,
    playground: {
      settings: config,
      watermarks,
      api: !management ? ('none' as const) : auth.isOpen ? ('open' as const) : ('token' as const),
      isReadOnly: stores.originals.isReadOnly === true,
    },
    guard: apiGuard(auth, config.corsOrigins),
    corsOrigins: config.corsOrigins,
    plugins: api ? [api, ...plugins] : plugins,
    openApi: { version: process.version, publicUrl: config.publicUrl, hasTokens: !auth.isOpen },
    proxyHops: config.proxyHops,
  };
  return { deps, core, images, uses, upgrades, demand, management };
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
