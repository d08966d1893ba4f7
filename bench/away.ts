import { readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRecords } from '../test/support/emulators.dynamodb.ts';
import { awsKeys, startStorage, storeSettings } from '../test/support/emulators.ts';
import { type Fault, startWire } from '../test/support/wire.ts';
import { storeWithSample } from './hits.ts';
import { type Program, startProgram } from './program.ts';
import { quantile, type Row } from './stats.ts';

const SAMPLE = new URL('../samples/ladybug.jpg', import.meta.url);
const PATH = '/img/ladybug.jpg?w=480&fmt=webp';
const SECONDS = 4;
const PER_SECOND = 100;

interface Lap {
  readonly ms: number[];
  readonly statuses: number[];
}

function timed(url: string, agent: http.Agent): Promise<{ ms: number; status: number }> {
  const before = performance.now();
  return new Promise((resolve) => {
    const answered = (status: number) => resolve({ ms: performance.now() - before, status });
    const request = http.get(url, { agent }, (response) => {
      response.resume().on('end', () => answered(response.statusCode ?? 0));
    });
    request.on('error', () => answered(0));
  });
}

/** Hits that are sent on time, whether or not those before are answered. */
async function paced({ port }: Program): Promise<Lap> {
  const agent = new http.Agent({ keepAlive: true });
  const pending: ReturnType<typeof timed>[] = [];
  const started = performance.now();
  while (pending.length < PER_SECOND * SECONDS) {
    const due = Math.floor(((performance.now() - started) / 1000) * PER_SECOND);
    while (pending.length < Math.min(due, PER_SECOND * SECONDS))
      pending.push(timed(`http://127.0.0.1:${port}${PATH}`, agent));
    await sleep(1);
  }
  const answers = await Promise.all(pending);
  agent.destroy();
  return { ms: answers.map(({ ms }) => ms), statuses: answers.map(({ status }) => status) };
}

function row(what: string, { ms, statuses }: Lap): Row {
  const served = statuses.filter((status) => status === 200).length;
  const times = `p50 ${quantile(ms, 0.5).toFixed(1)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms`;
  return { what, figure: `${served} of ${statuses.length} served, ${times}`, budget: 'all served' };
}

const serve = (env: Record<string, string>): Promise<Program> =>
  startProgram(['server/main.ts'], /"ready":true/, { VERSION_SECONDS: '1', ...env });

/** Hits while another process holds the lock of the database, and a purge waits for it. */
async function heldDatabase(): Promise<Row[]> {
  const folder = await storeWithSample();
  const server = await serve({ DATA_DIR: folder });
  await paced(server);
  const before = await paced(server);
  const other = new DatabaseSync(join(folder, 'rendition.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  const purge = fetch(`http://127.0.0.1:${server.port}/api/images/ladybug.jpg/purge`, { method: 'POST' });
  const during = await paced(server);
  other.exec('ROLLBACK');
  other.close();
  await purge.catch(() => undefined);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  return [row('nothing beside', before), row('another process holds the database', during)];
}

/** Hits while one store after the other refuses connections, then takes them and says nothing. */
async function storesAway(): Promise<Row[]> {
  const records = await startRecords();
  if ('missing' in records) return [{ what: 'stores away', figure: records.missing }];
  const storage = await startStorage();
  const wires = {
    S3: await startWire(storage.endpoint),
    DynamoDB: await startWire(records.endpoint),
    SQS: await startWire(storage.sqsEndpoint),
  };
  const behindWires = storeSettings(
    { ...storage, endpoint: wires.S3.endpoint, sqsEndpoint: wires.SQS.endpoint },
    { ...records, endpoint: wires.DynamoDB.endpoint },
  );
  const server = await serve({ ...behindWires, ...awsKeys });
  const form = new FormData();
  form.append('id', 'ladybug.jpg');
  form.append('file', new Blob([await readFile(SAMPLE)]), 'ladybug.jpg');
  await fetch(`http://127.0.0.1:${server.port}/api/images`, { method: 'POST', body: form });
  await paced(server);
  const rows = [row('all stores there', await paced(server))];
  const kinds: readonly (readonly [Fault, string])[] = [
    ['reset', 'refuses'],
    ['stall', 'is silent'],
  ];
  for (const [name, wire] of Object.entries(wires)) {
    for (const [kind, how] of kinds) {
      wire.fault = { kind, hits: () => true };
      rows.push(row(`${name} ${how}`, await paced(server)));
      wire.fault = undefined;
      await paced(server);
    }
  }
  await server.stop();
  for (const wire of Object.values(wires)) await wire.stop();
  await Promise.all([records.stop(), storage.stop()]);
  return rows;
}

/** Memory hits while what stands behind them is away. */
export async function away(): Promise<Row[]> {
  return [...(await heldDatabase()), ...(await storesAway())];
}
