import Type, { type Static } from 'typebox';
import { refusalOf } from '../core/query/id.ts';
import { checks } from '../shared/checks.ts';
import { Problem } from '../shared/errors.ts';
import { ROLE } from '../shared/sources.ts';
import type { WarmList } from '../warming/warm-request.ts';
import { checkJsonPath } from './json.ts';
import { FEED_KINDS, VANISHED_POLICIES } from './kinds.ts';

/** Whether an address that was fetched is asked again in each run, or only where the feed says that it is another one. */
const RECHECKS = ['always', 'marked'] as const;

/** Of the file: feeds are some tens. */
export const MAX_DEFINITION_BYTES = 1_048_576;
const MAX_FEEDS = 200;
const WEEK_MINUTES = 10_080;

const options = { additionalProperties: false } as const;
const FeedShape = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' }),
    kind: Type.Enum([...FEED_KINDS]),
    from: Type.String({ minLength: 1, maxLength: 2048 }),
    path: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    next: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    role: Type.Optional(Type.String({ pattern: ROLE.source })),
    prefix: Type.Optional(Type.String({ maxLength: 200 })),
    everyMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: WEEK_MINUTES })),
    collection: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    variants: Type.Optional(Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 100 })),
    vanished: Type.Optional(Type.Enum([...VANISHED_POLICIES])),
    recheck: Type.Optional(Type.Enum([...RECHECKS])),
  },
  options,
);
const FileShape = Type.Object({ feeds: Type.Array(FeedShape, { maxItems: MAX_FEEDS }) }, options);

type Written = Static<typeof FeedShape>;

/** A feed, with what was not written filled in. */
export interface Feed
  extends Required<Pick<Written, 'name' | 'kind' | 'from' | 'everyMinutes' | 'vanished' | 'recheck'>> {
  /** Of a JSON list. */
  readonly path: string | undefined;
  /** Of a JSON list in pages: where in one the address of the next is. */
  readonly next: string | undefined;
  /** ARN of the role that reads a bucket; undefined: that of the program. */
  readonly role: string | undefined;
  /** What the ids of its images begin with. */
  readonly prefix: string;
  readonly collection: string | undefined;
  readonly warm: WarmList;
}

/** Throws for variants that this deployment does not make. */
export type ReadVariants = (variants: readonly string[]) => WarmList;

/**
 * Reads the file that WATCH names.
 *
 * @throws Problem `invalid_feed`, naming the place
 */
export function readFeeds(text: string, readVariants: ReadVariants): Feed[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw refused(`is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { Value } = checks.value();
  if (!Value.Check(FileShape, parsed)) {
    const [first] = Value.Errors(FileShape, parsed);
    throw refused(`${placeOf(first?.instancePath ?? '')}: ${first?.message ?? 'is not as it should be'}`);
  }
  const names = parsed.feeds.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refused(`two feeds are called "${twice}"`);
  return parsed.feeds.map((written, index) => readFeed(written, `feeds[${index}]`, readVariants));
}

const placeOf = (pointer: string): string =>
  pointer
    .replace(/^\//, '')
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.') || 'the file';

const refused = (why: string): Problem => new Problem('invalid_feed', `The list of feeds: ${why}.`);

function readFeed(written: Written, place: string, readVariants: ReadVariants): Feed {
  const {
    name,
    kind,
    from,
    path,
    next,
    role,
    prefix = `${name}/`,
    everyMinutes = 60,
    collection,
    variants = [],
  } = written;
  const { vanished = 'keep', recheck = 'always' } = written;
  checkFrom(kind, from, place);
  if ((kind === 'json') !== (path !== undefined))
    throw refused(`${place}.path: a feed of the kind json has one, and no other`);
  if (next !== undefined && kind !== 'json')
    throw refused(`${place}.next: only a feed of the kind json has pages`);
  if (role !== undefined && kind !== 's3')
    throw refused(`${place}.role: only a feed of the kind s3 has a role`);
  for (const [field, text] of Object.entries({ path, next }))
    if (text !== undefined) checked(`${place}.${field}`, () => checkJsonPath(text));
  if (prefix !== '' && refusalOf(`${prefix}x`) !== undefined)
    throw refused(`${place}.prefix: no id begins with "${prefix}": ${refusalOf(`${prefix}x`)}`);
  const warm = checked(`${place}.variants`, () => readVariants(variants));
  return { name, kind, from, path, next, role, prefix, everyMinutes, collection, vanished, recheck, warm };
}

/** Schemes by kind; a folder is a path. */
const SCHEMES: Readonly<Record<Written['kind'], RegExp>> = {
  sitemap: /^https?:\/\//,
  rss: /^https?:\/\//,
  json: /^https?:\/\//,
  s3: /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/,
  folder: /^([a-z]:\\|\/)/i,
};
const WANTED: Readonly<Record<Written['kind'], string>> = {
  sitemap: 'an http or https URL',
  rss: 'an http or https URL',
  json: 'an http or https URL',
  s3: 's3://bucket/prefix/',
  folder: 'an absolute path',
};

function checkFrom(kind: Written['kind'], from: string, place: string): void {
  const isUrl = kind === 's3' || kind === 'folder' || URL.canParse(from);
  if (!SCHEMES[kind].test(from) || !isUrl) throw refused(`${place}.from: must be ${WANTED[kind]}`);
}

function checked<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refused(`${place}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
