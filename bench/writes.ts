import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { startRecords } from '../test/support/emulators.dynamodb.ts';
import { awsKeys, startStorage, storeSettings } from '../test/support/emulators.ts';
import { addressOf } from '../test/support/ports.ts';
import { startProgram } from './program.ts';
import type { Row } from './stats.ts';

const VARIANTS = 12;
/** Nothing was written for so long: warmer and sweep have nothing left to do. */
const QUIET_MS = 4_000;

/** What was written since the last look. */
interface Writes {
  /** Write units of the table and its index, as it reports them. */
  units: number;
  /** Requests that write: to the table, to the buckets, and messages to the queue. */
  records: number;
  objects: number;
  messages: number;
}

const NONE: Writes = { units: 0, records: 0, objects: 0, messages: 0 };
const WRITING = /^DynamoDB_\d+\.(Put|Update|Delete|TransactWrite|BatchWrite)/;

/** A wire to an emulator on which what is written is counted. */
async function counted(target: string, count: (writes: Partial<Writes>) => void): Promise<string> {
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = 'GET', url = '/' } = incoming;
    const { 'transfer-encoding': _chunked, ...headers } = incoming.headers;
    const action = String(headers['x-amz-target'] ?? '');
    const isRecords = action.startsWith('DynamoDB_');
    let body = await buffer(incoming);
    if (isRecords && WRITING.test(action))
      body = Buffer.from(JSON.stringify({ ...JSON.parse(String(body)), ReturnConsumedCapacity: 'TOTAL' }));
    const forwarded = request(new URL(url, target), {
      method,
      agent: false,
      headers: { ...headers, 'content-length': body.length },
    });
    // Also after its answer, when the other end closes.
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(body);
    const [answer] = await once(forwarded, 'response');
    const bytes = await buffer(answer);
    const isDone = answer.statusCode < 300;
    if (isRecords && WRITING.test(action)) count({ records: 1, units: unitsOf(String(bytes)) });
    else if (/^AmazonSQS\.SendMessage/.test(action) && isDone)
      count({ messages: JSON.parse(String(body)).Entries?.length ?? 1 });
    else if (!action && method !== 'GET' && method !== 'HEAD' && isDone) count({ objects: 1 });
    const { 'transfer-encoding': _pieces, ...told } = answer.headers;
    const length = method === 'HEAD' ? told['content-length'] : bytes.length;
    outgoing.writeHead(answer.statusCode, {
      ...told,
      ...(length !== undefined && { 'content-length': length }),
    });
    outgoing.end(bytes);
  };
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${addressOf(server).port}`;
}

function unitsOf(answer: string): number {
  const { ConsumedCapacity: used } = JSON.parse(answer || '{}');
  const parts: { CapacityUnits: number }[] = used === undefined ? [] : [used].flat();
  return parts.reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await sleep(100);
}

async function statusOf(base: string, id: string): Promise<string> {
  const answer = await fetch(`${base}/api/images/${id}/status`);
  const { status }: { status: string } = JSON.parse(await answer.text());
  return status;
}

async function upload(base: string): Promise<void> {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  const picture = sharp({ create: { width: 1200, height: 800, channels: 3, background: '#888', noise } });
  const form = new FormData();
  form.append('id', 'a.jpg');
  form.append('title', 'A picture of noise');
  const widths = Array.from({ length: VARIANTS }, (_, n) => `w=${100 + n * 50}&fmt=webp`);
  form.append('variants', JSON.stringify(widths));
  form.append('file', new Blob([new Uint8Array(await picture.jpeg().toBuffer())]), 'a.jpg');
  await fetch(`${base}/api/images`, { method: 'POST', body: form });
  await until(async () => (await statusOf(base, 'a.jpg')) === 'completed');
}

const call = (method: string, path: string) => (base: string) => fetch(`${base}${path}`, { method });
const WORK: Readonly<Record<string, (base: string) => Promise<unknown>>> = {
  [`upload, ${VARIANTS} variants`]: upload,
  purge: call('POST', '/api/images/a.jpg/purge'),
  'purge and warm': async (base) => {
    await call('POST', '/api/images/a.jpg/purge?warm=true')(base);
    await until(async () => (await statusOf(base, 'a.jpg')) === 'completed');
  },
  delete: call('DELETE', '/api/images/a.jpg'),
};

/**
 * What each call writes to the stores, with all that warmer and sweep do after it, counted on the wire to the emulators.
 * BENCH_CHECKOUT: the folder of another checkout whose programs are counted instead.
 */
export async function writes(): Promise<Row[]> {
  const checkout = process.env['BENCH_CHECKOUT'] ?? fileURLToPath(new URL('..', import.meta.url));
  const records = await startRecords();
  if ('missing' in records) return [{ what: 'not counted', figure: records.missing }];
  const storage = await startStorage();
  let now = { ...NONE };
  let last = performance.now();
  const count = (more: Partial<Writes>) => {
    last = performance.now();
    for (const name of ['units', 'records', 'objects', 'messages'] as const) now[name] += more[name] ?? 0;
  };
  const [table, buckets, queue] = await Promise.all([
    counted(records.endpoint, count),
    counted(storage.endpoint, count),
    counted(storage.sqsEndpoint, count),
  ]);
  const env = {
    ...storeSettings({ ...storage, endpoint: buckets, sqsEndpoint: queue }, { ...records, endpoint: table }),
    ...awsKeys,
    // Leases of the rounds are written whether anything happens or not.
    SWEEP_SECONDS: '3600',
  };
  const begin = (program: string) => startProgram([join(checkout, program, 'main.ts')], /"ready":true/, env);
  const programs = await Promise.all(['server', 'warmer'].map(begin));
  const base = `http://127.0.0.1:${programs[0]?.port}`;
  const rows: Row[] = [];
  for (const [what, work] of Object.entries(WORK)) {
    now = { ...NONE };
    await work(base);
    last = performance.now();
    await until(async () => performance.now() - last > QUIET_MS);
    const figure = `${now.units} write units in ${now.records} requests, ${now.objects} writes of objects, ${now.messages} messages`;
    rows.push({ what, figure });
  }
  for (const program of programs) await program.stop();
  await Promise.all([records.stop(), storage.stop()]);
  return rows;
}
