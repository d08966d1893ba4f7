/** A server of somebody else, whose pictures have ids that begin with a name of ours. */
export interface HttpSource {
  readonly kind: 'http';
  readonly name: string;
  /** Ends in a slash. */
  readonly base: string;
}

/** A bucket of somebody else, whose pictures are read where they are. */
export interface BucketSource {
  readonly kind: 's3';
  readonly name: string;
  readonly bucket: string;
  /** '' or ending in a slash. */
  readonly path: string;
  /** ARN of the role that reads it; undefined: that of the program. */
  readonly role: string | undefined;
  /** Where it is; undefined: where the program is. */
  readonly region: string | undefined;
}

export type Source = HttpSource | BucketSource;

/** One segment of an id. */
const NAME = /^[\w-][\w.-]{0,63}$/;

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** ARN of a role. */
export const ROLE = /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/**
 * Reads `shop` and `https://shop.example/media/`, or `old` and `s3://bucket/pictures/?role=arn:…&region=eu-west-1`.
 *
 * @throws Error that says what is wrong, without a word of the value
 */
export function readSource(name: string, text: string): Source {
  if (!NAME.test(name)) throw new Error(`the name "${name}" is no first segment of an id`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.username || url?.password) throw new Error(`${name} has a name or password: see SOURCE_HEADERS`);
  if (url?.hash || !url?.pathname.endsWith('/'))
    throw new Error(`${name} must end in a slash: the rest of an id comes behind it`);
  if (url.protocol === 's3:') return readBucket(name, url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new Error(`${name} is no https, http or s3 URL`);
  if (url.search) throw new Error(`${name} has a query, behind which no id can stand`);
  return { kind: 'http', name, base: url.href };
}

function readBucket(name: string, { host: bucket, pathname, searchParams }: URL): BucketSource {
  const [role, region] = [searchParams.get('role') ?? undefined, searchParams.get('region') ?? undefined];
  const strange = [...searchParams.keys()].filter((key) => key !== 'role' && key !== 'region');
  if (strange.length > 0) throw new Error(`${name} has ${strange.join()}; a bucket has a role and a region`);
  if (!BUCKET.test(bucket)) throw new Error(`${name} names no bucket`);
  if (role !== undefined && !ROLE.test(role)) throw new Error(`${name} has a role that is no ARN of one`);
  if (region !== undefined && !REGION.test(region)) throw new Error(`${name} has a region that is none`);
  return { kind: 's3', name, bucket, path: decodeURIComponent(pathname.slice(1)), role, region };
}

/** The source that an id belongs to, and what it is called there. */
export function sourceOf(
  id: string,
  sources: readonly Source[],
): { source: Source; rest: string } | undefined {
  const end = id.indexOf('/');
  const name = id.slice(0, Math.max(0, end));
  const source = end > 0 ? sources.find((one) => one.name === name) : undefined;
  return source && { source, rest: id.slice(end + 1) };
}

/** The ids of what lies under a key of a bucket: of several sources each has its own. */
export function idsOfKey(bucket: string, key: string, sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const isThere = source.kind === 's3' && source.bucket === bucket && key.startsWith(source.path);
    return isThere ? [`${source.name}/${key.slice(source.path.length)}`] : [];
  });
}

/** Whether a source reads that bucket. */
export const hasBucket = (bucket: string, sources: readonly Source[]): boolean =>
  sources.some((source) => source.kind === 's3' && source.bucket === bucket);

/** Where a source has what it calls so. */
export const addressOf = ({ base }: HttpSource, rest: string): string =>
  base + rest.split('/').map(encodeURIComponent).join('/');
