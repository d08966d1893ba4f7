import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { readQuery } from '../core/operations/transformation.ts';
import { settleSharp } from '../core/sharp/configure.ts';
import { Auth } from '../http/api/auth.ts';
import { managementApi } from '../http/api/context.ts';
import { apiGuard } from '../http/api/guard.ts';
import type { AppDeps } from '../http/app.ts';
import { Lane } from '../http/hit-path.ts';
import { cacheControl } from '../http/image-headers.ts';
import { Metrics } from '../http/metrics.ts';
import { Access } from '../reading/access.ts';
import { Images } from '../reading/images.ts';
import { Originals } from '../reading/originals.ts';
import { Renderer } from '../reading/renderer.ts';
import { Memory } from '../reading/result-cache.ts';
import { Results } from '../reading/results.ts';
import { SvgSandbox } from '../sandbox/svg.ts';
import { Gate } from '../shared/admission.ts';
import { Afterwards } from '../shared/deferred.ts';
import { remembering } from '../shared/memoize.ts';
import type { Stores } from '../stores/open.ts';
import type { Management } from '../writing/management.ts';
import { LocalPresigner } from '../writing/presign.ts';
import { composeManagement, type Outside } from './management.ts';

/** The use cases of a process over its stores; server and warmer share them. */
export interface Core {
  readonly originals: Originals;
  readonly results: Results;
  readonly renderer: Renderer;
  readonly sandbox: SvgSandbox;
  readonly gates: { readonly render: Gate; readonly fetch: Gate };
}

const monotonic = (): number => performance.now();
const unixSeconds = (): number => Date.now() / 1000;

/** SVGs are small files that can ask for anything: this is a dozen times what a large drawing takes. */
const SVG_RESIDENT_BYTES = 768 * 2 ** 20;

export function composeCore(config: Config, stores: Stores): Core {
  settleSharp();
  const fetch = new Gate(
    { slots: config.fetchSlots, bytes: config.maxSourceBytes * 8, maxWaitMs: config.queueMs, name: 'reads' },
    monotonic,
  );
  const { renderSlots: slots, renderMemoryBytes: bytes, queueMs: maxWaitMs } = config;
  const render = new Gate({ slots, bytes, maxWaitMs, name: 'renders' }, monotonic);
  const originals = new Originals({
    objects: stores.originals,
    records: stores.records,
    gate: fetch,
    versionMs: config.versionSeconds * 1000,
    maxBytes: config.maxSourceBytes,
    keepBytes: config.originalsBytes,
    now: monotonic,
  });
  const sandbox = new SvgSandbox({ deadlineMs: config.svgMs, maxResidentBytes: SVG_RESIDENT_BYTES });
  const renderer = new Renderer({
    originals,
    watermarks: config.watermarks,
    limits: { maxPixels: config.maxSourcePixels, maxFrames: config.maxFrames },
    deadlineMs: config.deadlineMs,
    allowMetaKeep: config.allowMetaKeep,
    gate: render,
    sandbox,
    now: monotonic,
  });
  const results = new Results(stores.results, cacheControl({}, '', config, 0));
  return { originals, results, renderer, sandbox, gates: { render, fetch } };
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Takes over a sane X-Request-Id, so that one id follows a request through CloudFront and logs; else makes one. */
export function requestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return ({ headers }) => {
    const given = headers['x-request-id'];
    if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
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
  /** Absent where nothing outside was handed in. */
  readonly management: Management | undefined;
}

/** Everything that buildApp needs; `isDraining` is asked by /readyz and before every other request. */
export function composeServer(
  config: Config,
  stores: Stores,
  process: {
    log: Logger;
    version: string;
    isDraining: () => boolean;
    plugins?: AppDeps['plugins'];
    outside?: Outside;
  },
): Composed {
  const core = composeCore(config, stores);
  const { originals, results, renderer, gates } = core;
  const memory = new Memory(config.memoryBytes);
  const metrics = new Metrics();
  const { log } = process;
  const onStoreFailure = (err: unknown, { id, canonical }: { id: string; canonical: string }) =>
    log.warn({ err, id, canonical }, 'results bucket failed; the answer went out without it');
  const afterwards = new Afterwards();
  const images = new Images({
    ...{ originals, results, renderer, memory, afterwards },
    now: monotonic,
    onStoreFailure,
  });
  const requestId = requestIds();
  const lane = new Lane({
    memory,
    originals,
    settings: config,
    now: monotonic,
    requestId,
    onHit: ({ requestId, status, result, ms }) => {
      const bytes = status === 200 ? result.bytes.length : 0;
      metrics.request('memory', status, ms, bytes);
      const { id, canonical } = result;
      log.info(
        {
          requestId,
          method: 'GET',
          status,
          ms: Math.round(ms * 10) / 10,
          tier: 'memory',
          id,
          canonical,
          bytes,
        },
        'request',
      );
    },
  });
  metrics.gauge('render_holders', 'Renders at work.', () => gates.render.load.holders);
  metrics.gauge('render_waiting', 'Renders waiting for a slot.', () => gates.render.load.waiting);
  metrics.gauge(
    'render_priced_bytes',
    'Memory that renders at work are priced at.',
    () => gates.render.load.bytes,
  );
  metrics.gauge('render_expected_wait_ms', 'Expected wait for a render slot.', () =>
    gates.render.expectedWaitMs(),
  );
  metrics.gauge('memory_bytes', 'Results kept in memory, in bytes.', () => memory.load.bytes);
  metrics.gauge('memory_results', 'Results kept in memory.', () => memory.load.results);
  metrics.gauge('flights', 'Variants being fetched or rendered.', () => images.load.flights);
  const access = new Access(config, unixSeconds);
  const { presets, deadlineMs } = config;
  const image = {
    images,
    originals,
    renderer,
    access,
    lane,
    presets,
    readQuery: remembering((query) => readQuery(query, presets), QUERIES),
    settings: config,
    deadlineMs,
    now: unixSeconds,
  };
  const { outside, plugins = [] } = process;
  const management = outside && composeManagement(config, stores, core, { outside, log, memory });
  const auth = new Auth(config);
  if (management && auth.isOpen)
    log.info('the management API is open: neither API_TOKENS nor JWKS_URL is set');
  const api = management && apiPlugin(config, stores, core, { management, outside });
  const probes = {
    originals: () => stores.originals.ping(),
    results: () => stores.results.ping(),
    records: () => stores.records.ping(),
    jobs: () => stores.jobs.ping(),
  };
  const health = { metrics, afterwards, probes, isDraining: process.isDraining };
  const deps = {
    log,
    lane,
    metrics,
    afterwards,
    requestId,
    image,
    health,
    watermarks: Object.keys(config.watermarks),
    guard: apiGuard(auth),
    plugins: api ? [api, ...plugins] : plugins,
    version: process.version,
    proxyHops: config.proxyHops,
  };
  return { deps, core, images, management };
}

function apiPlugin(
  config: Config,
  stores: Stores,
  core: Core,
  { management, outside }: { management: Management; outside: Outside },
): AppDeps['plugins'][number] {
  const { presets, apiRatePerMinute: ratePerMinute, maxUploadBytes, webhookSecret, webhookPrivate } = config;
  const localForms = outside.presigner instanceof LocalPresigner ? outside.presigner : undefined;
  return (app) =>
    managementApi(app, {
      ...management,
      ...{ records: stores.records, presets, ratePerMinute, maxUploadBytes, webhookPrivate, localForms },
      check: (canonical) => core.renderer.check(canonical),
      hasWebhookSecret: webhookSecret !== undefined,
    });
}
