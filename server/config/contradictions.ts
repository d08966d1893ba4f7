import { PRESET_FREE, presetForms, refusedWidth } from '../core/operations/allowed.ts';
import { variantsOfAll } from '../core/operations/variants.ts';
import { nearest } from '../core/query/nearest.ts';
import type { Presets } from '../core/query/rule.ts';
import type { RemoteHost } from '../shared/remote-hosts.ts';
import type { Source } from '../shared/sources.ts';
import { LEARNED } from './parsers.ts';

/** The settings that rules between settings look at. */
export interface Related {
  readonly port: number;
  readonly metricsPort: number | undefined;
  readonly originalsBucket: string | undefined;
  readonly originalsFolder: string | undefined;
  readonly resultsBucket: string | undefined;
  readonly recordsTable: string | undefined;
  readonly jobsQueue: string | undefined;
  readonly jobsDeadLetterQueue: string | undefined;
  readonly notificationsTopic: string | undefined;
  readonly s3Endpoint: string | undefined;
  readonly dynamodbEndpoint: string | undefined;
  readonly sqsEndpoint: string | undefined;
  readonly snsEndpoint: string | undefined;
  readonly proxyHops: number;
  readonly signatures: string;
  readonly signingKeys: Readonly<Record<string, string>>;
  readonly apiTokens: readonly unknown[];
  readonly apiTokenFile: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string | undefined;
  readonly maxSourceBytes: number;
  readonly maxUploadBytes: number | undefined;
  readonly presets: Presets;
  readonly presetsOnly: boolean;
  readonly allowedWidths: readonly number[];
  readonly warmDefaults: readonly string[];
  readonly importHosts: readonly RemoteHost[];
  readonly importPrivate: boolean;
  readonly watch: string | undefined;
  readonly sources: readonly Source[];
  readonly sourceHeaders: Readonly<Record<string, unknown>>;
}

const when = (isWrong: boolean, told: string): string[] => (isWrong ? [told] : []);

/** What an open API cannot stand beside: it trusts whoever is on this machine. */
function besideOpen(config: Related): string[] {
  const { apiTokens, apiTokenFile, jwksUrl, proxyHops, signatures } = config;
  if (apiTokens.length > 0 || apiTokenFile !== undefined || jwksUrl !== undefined) return [];
  const close = 'set API_TOKENS or JWKS_URL';
  return [
    ...when(
      proxyHops > 0,
      `PROXY_HOPS=${proxyHops} with an open management API: behind a proxy everybody comes from this machine; ${close}`,
    ),
    ...when(
      signatures !== 'off',
      `SIGNATURES=${signatures} with an open management API, which signs for whoever asks; ${close}`,
    ),
  ];
}

const bucketSource = ({ sources }: Related) => sources.find(({ kind }) => kind === 's3');
/** What may be in a bucket; which feeds are is said in the list that WATCH names. */
const bucketOf = (config: Related): unknown => config.originalsBucket ?? bucketSource(config) ?? config.watch;

/** What would be ignored without its other half. */
function halves(config: Related): string[] {
  const both: readonly (readonly [string, unknown, string, unknown])[] = [
    ['ORIGINALS_BUCKET', config.originalsBucket, 'RESULTS_BUCKET', config.resultsBucket],
    ['JOBS_QUEUE', config.jobsQueue, 'JOBS_DEAD_LETTER_QUEUE', config.jobsDeadLetterQueue],
  ];
  const needs: typeof both = [
    ['S3_ENDPOINT', config.s3Endpoint, 'ORIGINALS_BUCKET', bucketOf(config)],
    ['DYNAMODB_ENDPOINT', config.dynamodbEndpoint, 'RECORDS_TABLE', config.recordsTable],
    ['SQS_ENDPOINT', config.sqsEndpoint, 'JOBS_QUEUE', config.jobsQueue],
    ['SNS_ENDPOINT', config.snsEndpoint, 'NOTIFICATIONS_TOPIC', config.notificationsTopic],
  ];
  return [
    ...both.flatMap(([a, x, b, y]) =>
      when((x === undefined) !== (y === undefined), `${a} and ${b} go together`),
    ),
    ...needs.flatMap(([a, x, b, y]) => when(x !== undefined && y === undefined, `${a} needs ${b}`)),
  ];
}

/** What WARM_DEFAULTS names must be there, and be served: it would be rendered for nobody. */
function unservedDefaults({ warmDefaults, presets, presetsOnly, allowedWidths }: Related): string[] {
  const where = `WARM_DEFAULTS="${warmDefaults.join(' ')}"`;
  try {
    const forms = presetsOnly ? presetForms(presets) : undefined;
    const queries = warmDefaults.filter((query) => query !== LEARNED);
    return variantsOfAll(queries, presets).flatMap((canonical) => {
      if (forms && !forms.has(canonical))
        return [`${where}: with PRESETS_ONLY, ${canonical || PRESET_FREE} is served to nobody`];
      const refused = refusedWidth(canonical, allowedWidths);
      return refused
        ? [`${where}: ${refused.received} is not among ALLOWED_WIDTHS=${allowedWidths.join()}`]
        : [];
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [`${where}: ${reason} (docs/settings.md#warm_defaults)`];
  }
}

/** What would be stored nowhere, or sent to nobody. */
function aboutSources({ sources, sourceHeaders, originalsFolder }: Related): string[] {
  const names = sources.flatMap(({ kind, name }) => (kind === 'http' ? [name] : []));
  const strange = Object.keys(sourceHeaders).filter((name) => !names.includes(name));
  return [
    ...strange.map((name) => `SOURCE_HEADERS names "${name}", which is no server in SOURCES`),
    ...when(
      sources.length > 0 && originalsFolder !== undefined,
      'SOURCES and ORIGINALS_FOLDER exclude each other: nothing can be kept in a folder that is served as it stands',
    ),
  ];
}

/**
 * Presets that would be refused whenever somebody asks for them.
 *
 * @param isOwn  whether PRESETS is set: those that are there without it were made for no list of widths
 */
function unservedPresets({ presets, allowedWidths }: Related, isOwn: boolean): string[] {
  return (isOwn ? Object.keys(presets) : []).flatMap((key) => {
    const name = key.slice(1);
    const refused = variantsOfAll([`p=${name}`], presets)
      .map((canonical) => refusedWidth(canonical, allowedWidths))
      .find(Boolean);
    const where = `ALLOWED_WIDTHS=${allowedWidths.join()}`;
    return refused ? [`PRESETS: ${name} has ${refused.received}, which is not among ${where}`] : [];
  });
}

/**
 * Rules between settings: everything that is wrong, each in a line.
 *
 * @param ownPresets  whether PRESETS is set
 */
export function contradictions(config: Related, ownPresets: boolean): string[] {
  return [...new Set(everyContradiction(config, ownPresets))];
}

function everyContradiction(config: Related, ownPresets: boolean): string[] {
  const { maxSourceBytes, maxUploadBytes = maxSourceBytes } = config;
  return [
    ...halves(config),
    ...when(
      config.originalsBucket !== undefined && config.originalsFolder !== undefined,
      'ORIGINALS_BUCKET and ORIGINALS_FOLDER exclude each other: originals lie in one place',
    ),
    ...when(
      config.watch !== undefined && config.originalsFolder !== undefined,
      'WATCH with ORIGINALS_FOLDER: feeds bring originals in, and that folder is read only',
    ),
    ...when(
      config.signatures === 'required' && Object.keys(config.signingKeys).length === 0,
      'SIGNATURES=required needs SIGNING_KEYS',
    ),
    ...when(
      config.jwksUrl === undefined && (config.jwtIssuer ?? config.jwtAudience) !== undefined,
      'JWT_ISSUER and JWT_AUDIENCE need JWKS_URL: without it no JWT is looked at',
    ),
    ...when(
      maxUploadBytes > maxSourceBytes,
      `MAX_UPLOAD_BYTES (${maxUploadBytes}) is above MAX_SOURCE_BYTES (${maxSourceBytes}): such uploads could not be read`,
    ),
    ...when(
      config.importPrivate && config.importHosts.some(({ name }) => name === '*'),
      'IMPORT_PRIVATE=1 with IMPORT_HOSTS=*: whoever may import could read all that this machine reaches; name the hosts',
    ),
    ...aboutSources(config),
    ...besideOpen(config),
    ...unservedDefaults(config),
    ...unservedPresets(config, ownPresets),
    ...when(
      config.port !== 0 && config.metricsPort === config.port,
      `METRICS_PORT and PORT are both ${config.port}: metrics have a port of their own, or none is set`,
    ),
  ];
}

/** Shorter names have neighbours that are words of other programs: HOSTS, SORT. */
const SHORTEST = 6;
/** From here on two letters may differ. */
const LONG = 9;

/**
 * A variable that is nearly one of ours is a typo: silently ignored, it would be found in production. Of a short name
 * one letter may differ, of one with ten letters two.
 */
export function misspelt(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): string[] {
  return Object.keys(env).flatMap((name) => {
    if (name.length < SHORTEST || names.includes(name)) return [];
    const near = names.filter((other) => other.length >= SHORTEST && isNear(name, other));
    const meant = nearest(
      name,
      near.map((other) => other.toLowerCase()),
    );
    return meant ? [`${name} is no setting; did you mean ${meant.toUpperCase()}?`] : [];
  });
}

/** One letter is missing, too many or another one. */
function isNear(name: string, other: string): boolean {
  if (name.length >= LONG && other.length >= LONG) return true;
  const [shorter, longer] = name.length < other.length ? [name, other] : [other, name];
  const split = [...longer].findIndex((letter, index) => letter !== shorter[index]);
  if (longer.length === shorter.length + 1)
    return longer.slice(0, split) + longer.slice(split + 1) === shorter;
  return longer.length === shorter.length && longer.slice(split + 1) === shorter.slice(split + 1);
}
