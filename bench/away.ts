import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startRecords } from '../test/support/emulators.dynamodb.ts';
import { awsKeys, startStorage, storeSettings } from '../test/support/emulators.ts';
import { type Fault, startWire } from '../test/support/wire.ts';
import { storeWithSample } from './hits.ts';
import { type Paced, paced } from './paced.ts';
import { type Program, startProgram } from './program.ts';
import { quantile, type Row } from './stats.ts';

const SAMPLE = new URL('../samples/ladybug.jpg', import.meta.url);
const PATH = '/img/ladybug.jpg?w=480&fmt=webp';

const hits = ({ port }: Program): Promise<Paced> =>
  paced(() => `http://127.0.0.1:${port}${PATH}`, { perSecond: 100, seconds: 4 });

function row(what: string, { ms, statuses }: Paced): Row {
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
  await hits(server);
  const before = await hits(server);
  const other = new DatabaseSync(join(folder, 'rendition.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  const purge = fetch(`http://127.0.0.1:${server.port}/api/images/ladybug.jpg/purge`, { method: 'POST' });
  const during = await hits(server);
  other.exec('ROLLBACK');
  other.close();
  await purge.catch(() => undefined);
  await server.stop();
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
  await hits(server);
  const rows = [row('all stores there', await hits(server))];
  const kinds: readonly (readonly [Fault, string])[] = [
    ['reset', 'refuses'],
    ['stall', 'is silent'],
  ];
  for (const [name, wire] of Object.entries(wires)) {
    for (const [kind, how] of kinds) {
      wire.fault = { kind, hits: () => true };
      rows.push(row(`${name} ${how}`, await hits(server)));
      wire.fault = undefined;
      await hits(server);
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
