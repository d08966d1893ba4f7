import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { FileObjects } from '../server/stores/files/objects.ts';
import { awsKeys, type StorageEmulator, startStorage } from '../test/support/emulators.ts';
import { runFolder } from './folders.ts';
import { drive, GENERATOR } from './generator.ts';
import { type Program, startProgram, startRendition } from './program.ts';
import { median, quantile, type Row, ratio } from './stats.ts';

const SAMPLE = new URL('../samples/ladybug.jpg', import.meta.url);
/** About 30 KB, as notes on web pages have it. */
const PATH = '/img/ladybug.jpg?w=480&fmt=webp';
/** Short laps and many of them: what else a machine does comes and goes within seconds, and meets both alike. */
const ROUNDS = 21;
const SECONDS = 1;
const CONNECTIONS = 16;
/** The picture stays as it was when the other server copied it, and no warmer works beside the laps. */
const UNCHANGING = { UPGRADE: 'off' };

/** A folder of stores with one original in it. */
export async function storeWithSample(id = 'ladybug.jpg'): Promise<string> {
  const folder = runFolder();
  const originals = await FileObjects.open(join(folder, 'originals'));
  await originals.put(id, await readFile(SAMPLE), { contentType: 'image/jpeg' });
  return folder;
}

/** Answers per CPU second of everything that the program runs in. */
async function lap(program: Program, connections: number): Promise<number> {
  const before = program.cpuMs();
  const answers = await drive(`http://127.0.0.1:${program.port}${PATH}`, { connections, seconds: SECONDS });
  return (answers * 1000) / (program.cpuMs() - before);
}

/** Of two programs in turns, each first as often as the other; a lap of each before that does not count. */
async function contest(
  { ours, bare }: { ours: Program; bare: Program },
  connections: number,
): Promise<{ mine: number[]; theirs: number[] }> {
  const laps = { mine: [] as number[], theirs: [] as number[] };
  await lap(ours, connections);
  await lap(bare, connections);
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 2) laps.theirs.push(await lap(bare, connections));
    laps.mine.push(await lap(ours, connections));
    if (round % 2 === 0) laps.theirs.push(await lap(bare, connections));
  }
  return laps;
}

interface Contest {
  /** Settings of ours. */
  readonly env: Record<string, string>;
  /** Where the other has the bytes of each answer from, once ours has stored its result: settings of its own. */
  readonly other?: () => Promise<Record<string, string>>;
  readonly connections?: number;
  readonly budget: string;
}

async function against({
  env,
  other = async () => ({}),
  connections = CONNECTIONS,
  budget,
}: Contest): Promise<Row[]> {
  const ours = await startRendition({ ...UNCHANGING, ...env });
  const url = `http://127.0.0.1:${ours.port}${PATH}`;
  await (await fetch(url)).arrayBuffer();
  const copy = { COPY_OF: url, ...(await other()) };
  const bare = await startProgram(['bench/bare-server.ts'], /listening/, copy);
  const { mine, theirs } = await contest({ ours, bare }, connections);
  const rss = [ours.rssMb(), bare.rssMb()].map((mb) => `${mb.toFixed(0)} MB`);
  await Promise.all([ours.stop(), bare.stop()]);
  const shares = mine.map((speed, round) => speed / (theirs[round] ?? speed));
  const range = [0.25, 0.75].map((share) => quantile(shares, share).toFixed(2)).join(' to ');
  const figure = `${ratio(median(shares))} (of ${ROUNDS} rounds half ${range})`;
  const speeds = `${median(mine).toFixed(0)} and ${median(theirs).toFixed(0)} per CPU s`;
  return [
    { what: 'answers per CPU second, ours / bare', figure, budget },
    { what: 'ours and bare', figure: `${speeds}, RSS ${rss.join(' and ')}; load by ${GENERATOR}` },
  ];
}

/** The one file of a result, once it is stored. */
async function resultFile(folder: string): Promise<string> {
  for (let look = 0; look < 100; look++) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const file = entries.find((entry) => entry.isFile() && !entry.parentPath.includes('.tmp'));
    if (file) return join(file.parentPath, file.name);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`No result was stored in ${folder}.`);
}

/** Memory hits over HTTP against a bare node:http with an LRU that sends the same bytes and headers. */
export async function hits(): Promise<Row[]> {
  const folder = await storeWithSample();
  return against({ env: { DATA_DIR: folder }, budget: '>= 0.9' });
}

const WITHOUT_MEMORY = { MEMORY_CACHE_BYTES: '0' };

/** The same with nothing kept in memory, against one that opens, reads and closes the file of the result. */
export async function storedHits(): Promise<Row[]> {
  const folder = await storeWithSample();
  return against({
    env: { DATA_DIR: folder, ...WITHOUT_MEMORY },
    other: async () => ({ BARE_FILE: await resultFile(join(folder, 'results')) }),
    budget: '>= 0.8',
  });
}

/** The one object of a result, once it is stored. */
async function resultKey({ s3, results }: StorageEmulator): Promise<string> {
  for (let look = 0; look < 100; look++) {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: results }));
    const [object] = Contents;
    if (object?.Key) return object.Key;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('No result was stored.');
}

/** With the results in S3 on this machine, against one that pipes out what GetObject of the SDK gives. */
export async function storedHitsInS3(): Promise<Row[]> {
  const folder = runFolder();
  const storage = await startStorage();
  const { endpoint, originals, results } = storage;
  const body = await readFile(SAMPLE);
  const sample = { Bucket: originals, Key: 'ladybug.jpg', Body: body, ContentType: 'image/jpeg' };
  await storage.s3.send(new PutObjectCommand(sample));
  const buckets = { S3_ENDPOINT: endpoint, ORIGINALS_BUCKET: originals, RESULTS_BUCKET: results };
  const rows = await against({
    env: { ...awsKeys, ...buckets, DATA_DIR: folder, ...WITHOUT_MEMORY },
    other: async () => ({
      ...awsKeys,
      BARE_S3: endpoint,
      BARE_BUCKET: results,
      BARE_KEY: await resultKey(storage),
    }),
    // One after the other: those that come at once for one picture share one look, which the other does not have.
    connections: 1,
    budget: '>= 0.67, which is 1.5 times the CPU',
  });
  await storage.stop();
  return rows;
}
