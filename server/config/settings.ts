import { availableParallelism } from 'node:os';
import { withAutoQuality } from '../core/operations/transformation.ts';
import { contradictions, misspelt } from './contradictions.ts';
import type { Parser } from './parsers.ts';
import {
  apiTokens,
  bytes,
  decimal,
  flag,
  folder,
  id,
  ignoredParameters,
  integer,
  list,
  oneOf,
  optional,
  origin,
  presets,
  queries,
  remoteHost,
  revision,
  secrets,
  sourceHeaders,
  sources,
  text,
  url,
  watermarks,
  webhookSecrets,
} from './parsers.ts';

interface Setting<T> {
  readonly variable: string;
  readonly parser: Parser<T>;
  /** As it would be written in the environment. */
  readonly fallback: string | undefined;
  readonly doc: string;
  readonly secret: boolean;
}

function setting<T>(variable: string, parser: Parser<T>, fallback: string | number, doc: string): Setting<T> {
  return { variable, parser, fallback: String(fallback), doc, secret: false };
}

/** Absent unless given. */
function given<T>(variable: string, parser: Parser<T>, doc: string): Setting<T | undefined> {
  return { variable, parser: optional(parser), fallback: undefined, doc, secret: false };
}

const secret = <T>(row: Setting<T>): Setting<T> => ({ ...row, secret: true });

/** Every setting is one row. The table of docs/settings.md is made from it, and nothing else reads the environment. */
export const SETTINGS = {
  port: setting('PORT', integer(0, 65_535), 8080, 'Port to listen on; 0 takes a free one.'),
  metricsPort: given(
    'METRICS_PORT',
    integer(1, 65_535),
    'Port of /metrics of a server, which then is nowhere else; default: PORT. A warmer has WARMER_PORT.',
  ),
  otlpEndpoint: given(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    url,
    'Base address of an OpenTelemetry receiver that takes OTLP over HTTP, as http://localhost:4318: traces go there. Needs the packages of OpenTelemetry, which the image has; they read the other OTEL_ variables.',
  ),
  host: setting('HOST', text, '0.0.0.0', 'Address to listen on.'),
  dataDir: setting('DATA_DIR', text, './data', 'Folder of the embedded stores.'),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'silent']),
    'info',
    'What is logged.',
  ),
  logFormat: setting(
    'LOG_FORMAT',
    oneOf(['auto', 'json', 'words']),
    'auto',
    'How lines are written. auto: in words on a terminal, as JSON elsewhere.',
  ),
  logLevelNames: setting(
    'LOG_LEVEL_NAMES',
    flag,
    0,
    'Whether JSON lines name their level, as "level":"info"; else it is the number of pino, 30.',
  ),
  logHits: setting(
    'LOG_HITS',
    oneOf(['all', 'sample', 'none']),
    'sample',
    'Lines about hits of URLs that were answered before. all: one each; sample: one a second for each tier and status, with one of the hits in it, and one for each that took 50 ms; none: no lines, only metrics.',
  ),
  publicUrl: given(
    'PUBLIC_URL',
    url,
    'Scheme and host that clients see, for URLs in answers; default: those of the request.',
  ),

  proxyHops: setting(
    'PROXY_HOPS',
    integer(0, 10),
    0,
    'Proxies in front whose X-Forwarded headers are believed: 2 behind CloudFront and a load balancer.',
  ),

  originalsBucket: given(
    'ORIGINALS_BUCKET',
    text,
    'S3 bucket of the originals; default: files under DATA_DIR.',
  ),
  originalsFolder: given(
    'ORIGINALS_FOLDER',
    folder,
    'Folder of pictures that is served as it stands, read only: an id is the path of a file. `rendition serve FOLDER` sets it.',
  ),
  resultsBucket: given('RESULTS_BUCKET', text, 'S3 bucket of the results; default: files under DATA_DIR.'),
  s3Endpoint: given(
    'S3_ENDPOINT',
    url,
    'Any S3-compatible store that knows conditional writes (`If-None-Match`, `If-Match`): of two results for one URL, one that ignores them keeps the later. Path-style addresses.',
  ),
  recordsTable: given(
    'RECORDS_TABLE',
    text,
    'DynamoDB table of the records; default: SQLite under DATA_DIR.',
  ),
  dynamodbEndpoint: given('DYNAMODB_ENDPOINT', url, 'Other than AWS.'),
  jobsQueue: given('JOBS_QUEUE', text, 'Name of the SQS queue of warm jobs; default: SQLite under DATA_DIR.'),
  jobsDeadLetterQueue: given(
    'JOBS_DEAD_LETTER_QUEUE',
    text,
    'Name of its dead-letter queue; needed with JOBS_QUEUE.',
  ),
  sqsEndpoint: given('SQS_ENDPOINT', url, 'Other than AWS.'),
  notificationsTopic: given(
    'NOTIFICATIONS_TOPIC',
    text,
    'ARN of an SNS topic that hears of finished images.',
  ),
  snsEndpoint: given('SNS_ENDPOINT', url, 'Other than AWS.'),
  cdnDistribution: given('CDN_DISTRIBUTION', text, 'Id of the CloudFront distribution that a purge clears.'),

  memoryBytes: setting('MEMORY_CACHE_BYTES', bytes, '256MiB', 'Results kept in memory.'),
  resultsBytes: setting(
    'RESULTS_BYTES',
    bytes,
    '10GiB',
    'Results kept under DATA_DIR; past it a warmer removes those that were used least recently. 0: as many as there are. Not for a bucket, which has a lifecycle.',
  ),
  minFreeBytes: setting(
    'MIN_FREE_BYTES',
    bytes,
    '256MiB',
    'What stays free on the disk of DATA_DIR: below it uploads are refused with 507 and results are not stored. 0: nothing.',
  ),
  originalsBytes: setting(
    'ORIGINALS_CACHE_BYTES',
    bytes,
    '64MiB',
    'Originals kept as files for further variants of the same picture; 0 keeps none.',
  ),
  versionSeconds: setting(
    'VERSION_SECONDS',
    integer(0, 3600),
    5,
    'How long a looked-up version of an original is believed.',
  ),
  outageSeconds: setting(
    'OUTAGE_SECONDS',
    integer(0, 604_800),
    3600,
    'How long the last known version of an original stands in while the stores are away; 0: not at all.',
  ),
  lookupMs: setting(
    'LOOKUP_MS',
    integer(1, 60_000),
    300,
    'How long a request that can be answered without it waits for a version or a stored result.',
  ),
  maxAgeSeconds: setting(
    'MAX_AGE_SECONDS',
    integer(0, 31_536_000),
    3600,
    'Seconds of max-age for an answer without a current v.',
  ),
  staleSeconds: setting(
    'STALE_SECONDS',
    integer(0, 31_536_000),
    86_400,
    'Seconds of stale-while-revalidate; stale-if-error is seven times as long.',
  ),

  renderSlots: setting(
    'RENDER_SLOTS',
    integer(1, 256),
    availableParallelism(),
    'Renders at once, each in a process of its own; default: one per core.',
  ),
  renderNice: setting(
    'RENDER_NICE',
    integer(0, 19),
    10,
    'How far renders give way to the program that answers from memory; 0: not at all, 19: wholly.',
  ),
  renderMemoryBytes: setting(
    'RENDER_MEMORY_BYTES',
    bytes,
    '1GiB',
    'Memory that renders may take together, as priced beforehand.',
  ),
  queueMs: setting(
    'QUEUE_MS',
    integer(0, 60_000),
    1000,
    'Longest expected wait for a render slot while more is asked for than can be rendered; more is refused with 503. What comes at once, as a page of new pictures does, may wait ten times as long, and two thirds of DEADLINE_MS at most.',
  ),
  degrade: setting(
    'DEGRADE',
    oneOf(['on', 'off']),
    'on',
    'Whether renders that would wait for a quarter of QUEUE_MS are made with the cheapest encoder, and from QUEUE_MS on in the cheaper format where one was negotiated. Never with effort in the URL; such answers are cached for 30 s at most, and nothing of them is kept.',
  ),
  deadlineMs: setting(
    'DEADLINE_MS',
    integer(100, 300_000),
    15_000,
    'Time for one request, waiting included.',
  ),
  scratchBytes: setting(
    'SCRATCH_BYTES',
    bytes,
    '1GiB',
    'Originals of a bucket that lie in TMPDIR at once, from before they are read until they are rendered; more wait for QUEUE_MS, then 503. Those of ORIGINALS_CACHE_BYTES come on top.',
  ),
  fetchSlots: setting('FETCH_SLOTS', integer(1, 1024), 32, 'Reads from the stores at once.'),

  maxSourceBytes: setting('MAX_SOURCE_BYTES', bytes, '50M', 'Largest original that is read.'),
  maxSourcePixels: setting(
    'MAX_SOURCE_PIXELS',
    integer(1, 2_000_000_000),
    100_000_000,
    'Width x height x frames of an original.',
  ),
  heic: setting(
    'HEIC',
    oneOf(['on', 'off']),
    'on',
    'Whether HEIC and HEIF are read; off: they are refused with 415, and what was made of them before is served.',
  ),
  maxFrames: setting(
    'MAX_FRAMES',
    integer(1, 10_000),
    500,
    'Frames of a moving original; more give the first frame.',
  ),
  svgMs: setting(
    'SVG_MS',
    integer(100, 60_000),
    4000,
    'Time for reading a header or drawing one SVG before its render process is killed.',
  ),
  fontsDir: given(
    'FONTS_DIR',
    folder,
    'Folder of TrueType and OpenType fonts for text in SVGs, beside DejaVu, which is always there: for Chinese, Japanese, Korean, emoji, or fonts of a house.',
  ),

  presets: setting(
    'PRESETS',
    presets,
    'card=w=400&h=300&fit=cover;thumb=w=160&h=160&fit=cover;hero=w=1600',
    'Named queries for p.',
  ),
  ignoredParameters: setting(
    'IGNORED_PARAMETERS',
    ignoredParameters,
    '',
    'Query parameters of /img that are dropped without a word, beside those of common trackers: cb,session.',
  ),
  watermarks: setting(
    'WATERMARKS',
    watermarks,
    '',
    'Names for wm, each with the id of an original: logo=marks/logo.png.',
  ),
  fallbackImage: given(
    'FALLBACK_IMAGE',
    id,
    'Id of an original that is shown by /img for one that is not there, in the form that was asked for, with 404. The server does not start where it is missing.',
  ),
  revision: setting(
    'REVISION',
    revision,
    '',
    'Part of the place of every result: raise it when something changes that results depend on and nobody can see, as fonts.',
  ),
  allowMetaKeep: setting('ALLOW_META_KEEP', flag, 0, 'Whether meta=keep is served; it shows GPS positions.'),

  signingKeys: secret(setting('SIGNING_KEYS', secrets, '', 'Keys of signed URLs by kid.')),
  signatures: setting(
    'SIGNATURES',
    oneOf(['off', 'required', 'edge']),
    'off',
    'Whether URLs must be signed; edge: CloudFront has checked already.',
  ),
  quality: setting(
    'QUALITY',
    oneOf(['75', 'auto']),
    '75',
    'What q is where a URL does not say it: 75, or auto, predicted for each picture so that all look alike. auto is part of the canonical form, so that changing this leaves no old picture behind.',
  ),
  presetsOnly: setting(
    'PRESETS_ONLY',
    flag,
    0,
    'Serve only pictures that a preset makes, in any format and dpr.',
  ),
  allowedWidths: setting(
    'ALLOWED_WIDTHS',
    list(integer(1, 8192)),
    '',
    'Values of w, times dpr, that are served; h needs a w beside it. What else decides a width is not limited: no w, rect, pad, border, rot, fit=outside. Empty: all.',
  ),

  apiTokens: secret(
    setting(
      'API_TOKENS',
      apiTokens,
      '',
      'Bearer tokens: name=scope:sha256 of the token in hex; scope read or write. Empty and no JWKS_URL: open to this machine, by a loopback Host and without a proxy.',
    ),
  ),
  apiTokenFile: given(
    'API_TOKEN_FILE',
    text,
    'Where the hash of a token with scope write is kept that is made and printed at the first start without API_TOKENS and JWKS_URL. The image sets it: nobody reaches a container by loopback.',
  ),
  corsOrigins: setting(
    'CORS_ORIGINS',
    list(origin),
    '',
    'Origins whose pages may call and read the API, with a token where it has tokens: https://shop.example.com,http://localhost:3000. Pictures are open to all pages.',
  ),
  jwksUrl: given('JWKS_URL', url, 'Keys of JWTs that are accepted as bearer tokens; scopes read and write.'),
  jwtIssuer: given('JWT_ISSUER', text, 'Required iss of a JWT.'),
  jwtAudience: given('JWT_AUDIENCE', text, 'Required aud of a JWT.'),
  apiRatePerMinute: setting(
    'API_RATE_PER_MINUTE',
    integer(0, 1_000_000),
    600,
    'Calls of the management API per client; 0: unlimited.',
  ),
  maxUploadBytes: given('MAX_UPLOAD_BYTES', bytes, 'Largest file of an upload; default: MAX_SOURCE_BYTES.'),
  minUploadRate: setting(
    'MIN_UPLOAD_RATE',
    bytes,
    '1k',
    'Bytes a second that an upload must bring, over any ten seconds; slower ones are ended with 408. 0: any.',
  ),
  maxUploads: setting('MAX_UPLOADS', integer(1, 1024), 16, 'Uploads in flight.'),
  importHosts: setting(
    'IMPORT_HOSTS',
    list(remoteHost),
    '',
    'Hosts that originals may be fetched from: `cdn.example.com`, `*.example.com` for all below it, `*` for all. By https, unless `http://` stands in front; at the port of the scheme, unless one is named. Redirects are held to it as well. Empty: nothing is fetched.',
  ),
  importPrivate: setting(
    'IMPORT_PRIVATE',
    flag,
    0,
    'Whether the hosts that originals are fetched from may have private addresses. Those at which clouds hand out keys may not in any case.',
  ),
  importSeconds: setting(
    'IMPORT_SECONDS',
    integer(1, 3600),
    60,
    'Time for fetching one original, redirects included.',
  ),
  importRatePerMinute: setting(
    'IMPORT_RATE_PER_MINUTE',
    integer(0, 1_000_000),
    300,
    'Requests that a warmer sends to one host; 0: any number. Of those, 8 are under way at once.',
  ),
  sources: setting(
    'SOURCES',
    sources,
    '',
    'Where originals are whose ids begin with a name: `shop=https://shop.example/media/` fetches `shop/a.jpg` from `https://shop.example/media/a.jpg` when it is asked for first, and keeps it; redirects may lead to the same origin and to IMPORT_HOSTS. `old=s3://bucket/pictures/` reads `old/a.jpg` where it is, and copies nothing; `?role=<ARN>&region=<region>` behind it names the role that reads it, and where it is. Nothing is uploaded under such ids.',
  ),
  sourceHeaders: secret(
    setting(
      'SOURCE_HEADERS',
      sourceHeaders,
      '',
      'A header that a source is sent, for its credentials: shop=Authorization: Bearer abc. No other server hears of it.',
    ),
  ),
  sourceMaxAge: setting(
    'SOURCE_MAX_AGE',
    integer(1, 31_536_000),
    3600,
    'Seconds after which a picture that is asked for is looked at anew at its source, in the background.',
  ),
  sourceRatePerMinute: setting(
    'SOURCE_RATE_PER_MINUTE',
    integer(0, 1_000_000),
    600,
    'New pictures that a server asks one source for, absent ones too; more are 503. 0: any number.',
  ),
  sourceIdsPerHour: setting(
    'SOURCE_IDS_PER_HOUR',
    integer(1, 100_000_000),
    10_000,
    'New pictures that a server stores of one source in an hour, since whoever asks for one writes; then those that are here are served.',
  ),
  sourceBytesPerHour: setting('SOURCE_BYTES_PER_HOUR', bytes, '10GiB', 'The same in bytes.'),
  resultDays: setting(
    'RESULT_DAYS',
    integer(0, 3650),
    0,
    'Days after which the bucket removes a result, by a rule of its own that this repeats; 0: never.',
  ),
  warmDefaults: setting(
    'WARM_DEFAULTS',
    queries,
    '',
    'Variants warmed for every new image. `learned` among them, or alone: those that pages ask for these days, as `GET /api/warm-set` shows them.',
  ),
  warmLearnedPercent: setting(
    'WARM_LEARNED_PERCENT',
    decimal(0.1, 100),
    0.5,
    'Least share of what is asked for, in percent, that a learned form has.',
  ),
  warmLearnedForms: setting(
    'WARM_LEARNED_FORMS',
    integer(1, 100),
    32,
    'Learned forms of one image, at most.',
  ),
  warmLearnedDays: setting(
    'WARM_LEARNED_DAYS',
    integer(1, 365),
    7,
    'Days after which what was asked for counts half.',
  ),
  watch: given(
    'WATCH',
    text,
    'List of feeds whose pictures are brought in: the path of a file, or `s3://bucket/key`. See [feeds](feeds.md).',
  ),
  webhookSecrets: secret(
    setting(
      'WEBHOOK_SECRET',
      webhookSecrets,
      '',
      'Keys that webhook calls are signed with, separated by blanks: `whsec_` and base64, as Standard Webhooks has them, or any text. Each signs, so that one can take over from another. Without one webhooks are refused.',
    ),
  ),
  webhookPrivate: setting(
    'WEBHOOK_PRIVATE',
    flag,
    0,
    'Whether webhooks may use http and private addresses: for development only.',
  ),
  upgrade: setting(
    'UPGRADE',
    oneOf(['on', 'off']),
    'on',
    'Whether results that were made on request are made again by a warmer that has nothing else to do, and replaced where that saves bytes. Once each, never with effort in the URL.',
  ),
  warmSlots: setting('WARM_SLOTS', integer(1, 256), availableParallelism(), 'Renders at once in a warmer.'),
  warmerNice: setting(
    'WARMER_NICE',
    integer(0, 19),
    19,
    'How far a warmer gives way to other programs of its machine; 0: not at all, 19: wholly.',
  ),
  warmerPort: setting(
    'WARMER_PORT',
    integer(0, 65_535),
    0,
    'Port on which a warmer answers /healthz and /metrics; 0: none.',
  ),
  warmAttempts: setting('WARM_ATTEMPTS', integer(1, 100), 5, 'Receives of a job before it is given up.'),
  visibilitySeconds: setting(
    'VISIBILITY_SECONDS',
    integer(1, 3600),
    60,
    'How long a job is hidden; extended while it is worked on.',
  ),
  sweepSeconds: setting(
    'SWEEP_SECONDS',
    integer(1, 86_400),
    60,
    'How often a warmer looks for images whose job was lost.',
  ),
  rewarmVariants: setting(
    'REWARM_VARIANTS',
    integer(0, 100_000),
    100,
    'Variants that a warmer makes again at most in such a round, since they have expired or are of a former pipeline; 0: none by itself.',
  ),
  stopMs: setting('STOP_MS', integer(0, 300_000), 25_000, 'Time to finish after SIGTERM.'),
} as const;

type Settings = typeof SETTINGS;
type ValueOf<S> = S extends Setting<infer T> ? T : never;
export type Config = { readonly [K in keyof Settings]: ValueOf<Settings[K]> };

/** The one place where a variable is read: one that is empty is absent, as `${VAR}` in a compose file leaves it. */
function readSetting(
  row: Setting<unknown>,
  env: Record<string, string | undefined>,
): { value?: unknown; wrong?: string } {
  const written = env[row.variable]?.trim() ? env[row.variable] : row.fallback;
  if (written === undefined) return { value: undefined };
  let reason = '';
  try {
    const value = row.parser.parse(written);
    if (value !== undefined) return { value };
  } catch (error) {
    reason = `: ${error instanceof Error ? error.message : String(error)}`;
  }
  const anchor = `docs/settings.md#${row.variable.toLowerCase()}`;
  const shown = row.secret ? '***' : written;
  return {
    wrong: onOneLine(`${row.variable}="${shown}": expected ${row.parser.expected}${reason} (${anchor})`),
  };
}

/** Control characters as escapes: the carriage return of a file from Windows would hide what stands before it. */
const onOneLine = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u00${character.charCodeAt(0).toString(16)}` : escaped;
  });

/**
 * Reads all settings.
 *
 * @param env  variables by name; unknown ones are the shell's business
 * @throws Error that lists every bad variable, one a line
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const values: Record<string, unknown> = {};
  const names = Object.values<Setting<unknown>>(SETTINGS).map(({ variable }) => variable);
  const wrong = misspelt(env, names);
  for (const [name, row] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const read = readSetting(row, env);
    if (read.wrong) wrong.push(read.wrong);
    values[name] = read.value;
  }
  const parsed = values as Config;
  const presets =
    parsed.quality === 'auto' && wrong.length === 0 ? withAutoQuality(parsed.presets) : parsed.presets;
  const config = Object.freeze({ ...parsed, presets });
  if (wrong.length === 0) wrong.push(...contradictions(config, Boolean(env['PRESETS']?.trim())));
  if (wrong.length) throw new Error(`Bad configuration:\n  ${wrong.join('\n  ')}`);
  return config;
}
