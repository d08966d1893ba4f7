import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { errorText, withContext } from '../shared/error-text.ts';
import { Blocks } from '../stores/blocks.ts';
import { evict } from '../stores/files/evict.ts';
import { FileObjects } from '../stores/files/objects.ts';
import { removeOutdated } from '../stores/files/outdated.ts';
import { type Place, withPlaces } from '../stores/in-place.ts';
import type { Jobs } from '../stores/jobs.ts';
import type { EvictionRound, Objects, OutdatedRound } from '../stores/objects.ts';
import { backUp, restore } from '../stores/sqlite/backup.ts';
import { openSqlite, type SqliteStores } from '../stores/sqlite/open.ts';
import type { Records, Stores } from '../stores/stores.ts';
import { REACHING, REACHING_BUCKET, REACHING_QUEUE } from './reaching.ts';

/**
 * AWS clients are loaded where they are needed: they would double the start of a laptop.
 *
 * @param role  ARN of that which reads; absent: that of the program
 */
async function bucketsBy({ s3Endpoint }: Config, options: S3ClientConfig = {}, role?: string) {
  const [{ S3Client }, { S3Objects }, rights] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('../stores/s3/objects.ts'),
    role === undefined ? {} : rightsOf(role),
  ]);
  const endpoint = s3Endpoint ? { endpoint: s3Endpoint, forcePathStyle: true } : {};
  const client = new S3Client({ ...REACHING_BUCKET, ...endpoint, ...options, ...rights });
  return (bucket: string): Objects => new S3Objects(client, bucket);
}

async function rightsOf(role: string): Promise<Pick<S3ClientConfig, 'credentials'>> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const params = { RoleArn: role, RoleSessionName: 'rendition' };
  return { credentials: fromTemporaryCredentials({ params }) };
}

async function openBuckets(config: Config) {
  const { originalsBucket, resultsBucket } = config;
  if (!originalsBucket || !resultsBucket) return undefined;
  const open = await bucketsBy(config);
  return {
    originals: open(originalsBucket),
    results: open(resultsBucket),
    collectGarbage: async () => 0,
    removeOutdated: async () => ({ removed: 0, isDone: true }),
    scratchParent: undefined,
  };
}

/** Buckets of others that originals are read from, each with its own rights. */
async function openPlaces(config: Config): Promise<Place[]> {
  const buckets = config.sources.filter((source) => source.kind === 's3');
  if (buckets.length === 0) return [];
  const opened = buckets.map(async ({ name, bucket, path, role, region }) => {
    const open = await bucketsBy(config, { ...(region && { region }) }, role);
    return { name, path, objects: open(bucket) };
  });
  return Promise.all(opened);
}

/** Opens what lies at a path under DATA_DIR. */
function embedded<T>(dataDir: string, name: string, open: (path: string) => T | Promise<T>): Promise<T> {
  const path = join(dataDir, name);
  return withContext(`DATA_DIR="${dataDir}": cannot open ${path}`, () => open(path));
}

/** Of a folder that is served as it stands, or our own. */
async function openOriginals({ dataDir, minFreeBytes, originalsFolder }: Config) {
  if (originalsFolder === undefined) {
    const options = { minFreeBytes, tellsDamage: true };
    return embedded(dataDir, 'originals', (path) => FileObjects.open(path, options));
  }
  const { FolderObjects } = await import('../stores/folder/objects.ts');
  return Object.assign(await FolderObjects.open(originalsFolder), { collectGarbage: async () => 0 });
}

async function openFolders(config: Config) {
  const { dataDir, minFreeBytes } = config;
  const [originals, results] = await Promise.all([
    openOriginals(config),
    embedded(dataDir, 'results', (path) => FileObjects.open(path, { isCache: true, minFreeBytes })),
  ]);
  const collectGarbage = async () => (await originals.collectGarbage()) + (await results.collectGarbage());
  const discard = (round: OutdatedRound) => removeOutdated(results, join(dataDir, 'results'), round);
  return {
    originals,
    results,
    collectGarbage,
    removeOutdated: discard,
    evictResults: (round: EvictionRound) => evict(results, { ...round, now: Date.now }),
    scratchParent: join(dataDir, 'scratch'),
  };
}

async function openTable({ recordsTable, dynamodbEndpoint }: Config): Promise<Records | undefined> {
  if (!recordsTable) return undefined;
  const [{ DynamoDBClient }, { DynamoRecords }] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('../stores/dynamodb/records.ts'),
  ]);
  return new DynamoRecords(
    new DynamoDBClient({ ...REACHING, ...(dynamodbEndpoint ? { endpoint: dynamodbEndpoint } : {}) }),
    recordsTable,
  );
}

async function openQueue({ jobsQueue, jobsDeadLetterQueue, sqsEndpoint }: Config): Promise<Jobs | undefined> {
  if (!jobsQueue || !jobsDeadLetterQueue) return undefined;
  const [{ SQSClient }, { SqsJobs }] = await Promise.all([
    import('@aws-sdk/client-sqs'),
    import('../stores/sqs/jobs.ts'),
  ]);
  // The queue URL that a stand-in answers may name a host that nobody resolves.
  const client = new SQSClient({
    ...REACHING_QUEUE,
    useQueueUrlAsEndpoint: false,
    ...(sqsEndpoint ? { endpoint: sqsEndpoint } : {}),
  });
  return new SqsJobs(client, { queue: jobsQueue, deadLetterQueue: jobsDeadLetterQueue });
}

/**
 * For programs that work on what is there: a name that was mistyped must not become a new data folder.
 *
 * @throws Error that names the folder, where stores lie in it and it is not there
 */
export async function checkDataDir({ dataDir, ...config }: Config): Promise<void> {
  if (config.originalsBucket && config.recordsTable && config.jobsQueue) return;
  const facts = await stat(dataDir).catch(() => undefined);
  if (!facts?.isDirectory()) throw new Error(`DATA_DIR="${dataDir}": there is no such folder`);
}

/** What a program does that goes on without its database. */
export interface StoresOptions {
  /**
   * Hears why the embedded database cannot be read, in words for its operator, and with undefined that it can be again.
   * Pictures are served meanwhile. Absent: a database that cannot be opened is an error.
   */
  readonly onUnusable?: (reason: string | undefined) => void;
}

/** Name of the embedded database under DATA_DIR. */
export const DATABASE = 'rendition.sqlite';

function openDatabase(
  { dataDir, warmAttempts }: Config,
  { onUnusable, isQueue }: StoresOptions & { readonly isQueue: boolean },
) {
  return embedded(dataDir, DATABASE, (path) =>
    openSqlite(path, {
      maxReceives: warmAttempts,
      isQueue,
      onUnusable:
        onUnusable && ((error) => onUnusable(error === undefined ? undefined : adviceOn(path, error))),
    }),
  );
}

const adviceOn = (path: string, error: unknown): string =>
  `${path} cannot be read (${errorText(error)}): pictures are served from their files, without focal points, and the API answers 503. To bring a backup back, stop the programs and run: rendition restore FILE (docs/one-machine.md#restore)`;

/** Says it where an operator reads. */
export const logUnusable =
  (log: Pick<Logger, 'error' | 'info'>): NonNullable<StoresOptions['onUnusable']> =>
  (reason) =>
    reason === undefined ? log.info('the database can be read again') : log.error(reason);

/** Opens what the configuration names; everything else is embedded, under DATA_DIR. */
export async function openStores(config: Config, options: StoresOptions = {}): Promise<Stores> {
  const [buckets, table, queue] = await Promise.all([
    openBuckets(config),
    openTable(config),
    openQueue(config),
  ]);
  let sqlite: SqliteStores | undefined;
  const { dataDir } = config;
  if (!buckets || !table || !queue) await embedded(dataDir, '', (path) => mkdir(path, { recursive: true }));
  if (!table || !queue) {
    sqlite = await openDatabase(config, { ...options, isQueue: queue === undefined });
  }
  const objects = buckets ?? (await openFolders(config));
  const places = await openPlaces(config);
  const collectGarbage = async () => {
    const expired = (await sqlite?.collectGarbage()) ?? 0;
    await sqlite?.checkpoint();
    return expired + (await objects.collectGarbage());
  };
  const records = table ?? sqlite?.records;
  const jobs = queue ?? sqlite?.jobs;
  if (!records || !jobs) throw new Error('A store is missing.');
  const blocks = new Blocks(records);
  return {
    ...objects,
    originals: withPlaces(objects.originals, places, (id) => blocks.isBlocked(id)),
    collectGarbage,
    records,
    jobs,
    summary: `objects in ${buckets ? 'S3' : 'files'}, records in ${table ? 'DynamoDB' : 'SQLite'}, jobs in ${queue ? 'SQS' : 'SQLite'}`,
    close: () => sqlite?.close(),
  };
}

/**
 * Opens what is somebody else's, to be read: `s3://bucket/prefix`, or a folder.
 *
 * @param role  ARN of that which reads a bucket; absent: that of the program
 * @throws Problem `store_unavailable` where there is no such folder
 */
export async function openForeign(config: Config, from: string, role?: string) {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(from) ?? [];
  // Somebody else's bucket may be in another region.
  if (bucket) {
    const open = await bucketsBy(config, { followRegionRedirects: true }, role);
    return { objects: open(bucket), prefix };
  }
  const { FolderObjects } = await import('../stores/folder/objects.ts');
  return { objects: await FolderObjects.open(from), prefix: '' };
}

/** @throws Error where the settings name no embedded database */
async function databaseOf(config: Config): Promise<string> {
  if (config.recordsTable && config.jobsQueue)
    throw new Error('Records and jobs are in DynamoDB and SQS: there is no database here.');
  await checkDataDir(config);
  return join(config.dataDir, DATABASE);
}

/** Copies the database of a deployment to a file, while its programs run. */
export async function backUpDatabase(config: Config, file: string): Promise<void> {
  await backUp(await databaseOf(config), file);
}

/** Puts such a file in the place of the database; resolves to where the one before lies now. */
export async function restoreDatabase(config: Config, file: string): Promise<string | undefined> {
  return restore(file, await databaseOf(config));
}
