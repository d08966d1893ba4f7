/** Who shows a metric. */
export type Program = 'server' | 'warmer';

/** A metric, as Prometheus knows it: its name has `rendition_` in front. Time is in seconds, size in bytes. */
export interface MetricRow {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly programs: readonly Program[];
  readonly labels: readonly string[];
  /** Upper bounds of the buckets of a histogram, in seconds. */
  readonly buckets?: readonly number[];
  readonly help: string;
}

const SERVER = ['server'] as const;
const WARMER = ['warmer'] as const;
const BOTH = ['server', 'warmer'] as const;

/** Of what somebody waits for at a screen. */
const MOMENTS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Of what is done ahead. */
const LONG = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

type Labels = readonly string[];

const counter = (programs: readonly Program[], name: string, help: string, labels: Labels = []) =>
  ({ kind: 'counter', name: `${name}_total`, programs, labels, help }) as const;
const gauge = (programs: readonly Program[], name: string, help: string, labels: Labels = []) =>
  ({ kind: 'gauge', name, programs, labels, help }) as const;
const histogram = (
  programs: readonly Program[],
  name: string,
  help: string,
  { labels = [], buckets = MOMENTS }: { labels?: Labels; buckets?: readonly number[] },
) => ({ kind: 'histogram', name, programs, labels, buckets, help }) as const;

/** Every metric of ours is one row; docs/metrics.md is made from it, and each name of the dashboard is one of them. */
export const METRICS = {
  buildInfo: gauge(BOTH, 'build_info', 'What runs: always 1.', ['version', 'pipeline', 'revision', 'node']),
  requests: counter(
    SERVER,
    'requests',
    'Image requests by tier (memory, stored, coalesced, miss, stale, none) and status.',
    ['tier', 'status'],
  ),
  requestSeconds: histogram(SERVER, 'request_seconds', 'Time to answer an image request, by tier.', {
    labels: ['tier'],
  }),
  sentBytes: counter(SERVER, 'sent_bytes', 'Bytes of images sent, by tier.', ['tier']),
  stageSeconds: histogram(
    SERVER,
    'stage_seconds',
    'Time of the stages of a render: queue, fetch, decode, transform, encode.',
    { labels: ['stage'] },
  ),
  apiRequests: counter(
    SERVER,
    'api_requests',
    'Calls of the management API, by operation of the OpenAPI document and status.',
    ['operation', 'status'],
  ),
  apiRequestSeconds: histogram(SERVER, 'api_request_seconds', 'Time to answer a call, by operation.', {
    labels: ['operation'],
  }),
  uploads: counter(
    SERVER,
    'uploads',
    'Files that came in, by outcome: stored, repeated (was there), refused, failed.',
    ['outcome'],
  ),
  uploadedBytes: counter(SERVER, 'uploaded_bytes', 'Bytes of the originals that were stored.'),
  uploadsInFlight: gauge(SERVER, 'uploads_in_flight', 'Uploads that hold a slot of MAX_UPLOADS.'),
  jobs: gauge(BOTH, 'jobs', 'Messages by state: ready, in_flight, dead. Approximate on SQS.', ['state']),
  jobOldestSeconds: gauge(
    BOTH,
    'job_oldest_seconds',
    'Age of the oldest job that waits or is worked on. On SQS of the one received last, and by warmers alone.',
  ),
  jobsEnded: counter(
    WARMER,
    'jobs_ended',
    'Messages that were worked on, by kind and outcome: done, later (sent again), failed (comes again), given_back.',
    ['kind', 'outcome'],
  ),
  jobSeconds: histogram(WARMER, 'job_seconds', 'Time that a message was worked on, by kind.', {
    labels: ['kind'],
    buckets: LONG,
  }),
  jobWaitSeconds: histogram(
    WARMER,
    'job_wait_seconds',
    'Time from sending a message to its first delivery.',
    {
      labels: ['kind'],
      buckets: LONG,
    },
  ),
  upgrades: counter(
    WARMER,
    'upgrades',
    'Results that were made on request and then by a warmer, by outcome: smaller, same, made (had only been made in haste).',
    ['outcome'],
  ),
  upgradeSavedBytes: counter(
    WARMER,
    'upgrade_saved_bytes',
    'Bytes by which results have become smaller that were made on request.',
  ),
  variantsWarmed: counter(
    WARMER,
    'variants_warmed',
    'Variants of warm jobs, by outcome: ready (rendered), current (was there), failed, skipped.',
    ['outcome'],
  ),
  variantReadySeconds: histogram(
    WARMER,
    'variant_ready_seconds',
    'Time from asking for a variant to its stored result, of those that were rendered.',
    { buckets: LONG },
  ),
  storeUp: gauge(SERVER, 'store_up', 'Whether a store answers: 1 or 0.', ['store']),
  storeCalls: counter(
    BOTH,
    'store_calls',
    'Calls of a store, by outcome: ok, refused (a condition that is the caller’s), ended (nobody waits), failed.',
    ['store', 'call', 'outcome'],
  ),
  storeCallSeconds: histogram(
    BOTH,
    'store_call_seconds',
    'Time to the answer of a store; of a body, to its first byte. Long polls are left out.',
    { labels: ['store'] },
  ),
  diskFreeBytes: gauge(BOTH, 'disk_free_bytes', 'Free bytes of the file system of a folder.', ['folder']),
  diskSizeBytes: gauge(BOTH, 'disk_size_bytes', 'Size of the file system of a folder.', ['folder']),
  renderHolders: gauge(BOTH, 'render_holders', 'Renders at work.'),
  renderWaiting: gauge(BOTH, 'render_waiting', 'Renders waiting for a slot.'),
  renderPricedBytes: gauge(BOTH, 'render_priced_bytes', 'Memory that renders at work are priced at.'),
  renderExpectedWaitSeconds: gauge(
    SERVER,
    'render_expected_wait_seconds',
    'Expected wait for a render slot; above QUEUE_MS requests are refused.',
  ),
  rendersRefused: counter(SERVER, 'renders_refused', 'Renders that were refused because too much waited.'),
  degraded: counter(
    SERVER,
    'degraded',
    'Pictures made with less effort or in a cheaper format because too much waited.',
  ),
  renderProcesses: gauge(BOTH, 'render_processes', 'Render processes by state: busy, idle.', ['state']),
  renderProcessEnds: counter(
    BOTH,
    'render_process_ends',
    'Render processes that were ended or ended themselves: crashed, too-slow, too-large, abandoned, recycled.',
    ['reason'],
  ),
  sandboxLayer: gauge(
    BOTH,
    'sandbox_layer',
    'Whether a layer of protection is around render processes: 1 or 0.',
    ['layer'],
  ),
  scratchBytes: gauge(
    BOTH,
    'scratch_bytes',
    'Originals of a bucket that are read, or wait to be rendered, in bytes.',
  ),
  memoryBytes: gauge(SERVER, 'memory_bytes', 'Results kept in memory, in bytes.'),
  memoryResults: gauge(SERVER, 'memory_results', 'Results kept in memory.'),
  flights: gauge(SERVER, 'flights', 'Variants being fetched or rendered.'),
  storingBytes: gauge(SERVER, 'storing_bytes', 'Results that wait to be stored, in bytes.'),
  resultsDropped: counter(SERVER, 'results_dropped', 'Results not stored: too much waited for the bucket.'),
  resultsDamaged: counter(
    SERVER,
    'results_damaged',
    'Stored results that were not what had been written, and were made anew.',
  ),
  originalsDamaged: counter(
    BOTH,
    'originals_damaged',
    'Reads of originals that were not what had been written.',
  ),
  versionsUnawaited: gauge(
    SERVER,
    'versions_unawaited',
    'Whether nobody waits for looked-up versions: 1 or 0.',
  ),
  resultsUnawaited: gauge(SERVER, 'results_unawaited', 'Whether nobody waits for stored results: 1 or 0.'),
  resultsStoredBytes: gauge(
    WARMER,
    'results_stored_bytes',
    'What results take of the disk, by the last round.',
  ),
  resultsEvicted: counter(
    WARMER,
    'results_evicted',
    'Results that were removed since all took more than RESULTS_BYTES.',
  ),
  outdatedResults: counter(
    WARMER,
    'outdated_results',
    'Stored results of former pipelines that were removed.',
  ),
  strangeEvents: counter(
    WARMER,
    'strange_events',
    'Events refused, since they are of a bucket that is none of ours.',
  ),
  unservableKeys: counter(WARMER, 'unservable_keys', 'Events of objects whose key cannot be an id.'),
  imports: counter(SERVER, 'imports', 'Addresses of calls to import, by outcome: requested, refused.', [
    'outcome',
  ]),
  pulls: counter(
    SERVER,
    'pulls',
    'Originals that viewers waited for at a source, by outcome: fetched, absent (or deleted here), refused (it brings no more for now), failed.',
    ['outcome'],
  ),
  fetches: counter(
    WARMER,
    'fetches',
    'Tries to fetch an original, by outcome: fetched, unchanged, later (tried again), failed (given up), unneeded.',
    ['outcome'],
  ),
  fetchedBytes: counter(BOTH, 'fetched_bytes', 'Bytes of the originals that were brought from elsewhere.'),
  feedRuns: counter(WARMER, 'feed_runs', 'Runs of feeds by outcome: ok, held, failed.', ['outcome']),
  feedPictures: counter(
    WARMER,
    'feed_pictures',
    'Pictures of runs of feeds, by outcome: new, changed, pending (asked of warmers), vanished, failed.',
    ['outcome'],
  ),
  invalidationsTaken: counter(WARMER, 'invalidations_taken', 'Invalidations that the CDN took.'),
  invalidationsRefused: counter(
    WARMER,
    'invalidations_refused',
    'Invalidations that the CDN refused; they are tried again.',
  ),
  invalidationPaths: counter(
    WARMER,
    'invalidation_paths',
    'Paths of the invalidations that were taken, which are paid for.',
  ),
  invalidationsWaiting: gauge(
    WARMER,
    'invalidations_waiting',
    'Images whose invalidation is on its way to the CDN.',
  ),
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricKey = keyof typeof METRICS;

export const METRIC_KEYS: readonly MetricKey[] = Object.keys(METRICS).filter(
  (key): key is MetricKey => key in METRICS,
);

export const nameOf = (key: MetricKey): string => `rendition_${METRICS[key].name}`;
