import type { Test } from 'tap';
import { present } from '../contract/suite.ts';
import { call, form, noise, type UploadAnswer } from '../support/api.ts';
import { corpus } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated, isOfNpm } from '../support/emulators.ts';
import { storedKey } from '../support/results.ts';
import { bytesOf, startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { createWarmer, type TestWarmer } from '../support/warmer.ts';
import { type Fault, startWire, type Wire } from '../support/wire.ts';

const HOT = '/img/hot.jpg?w=64&fmt=webp';
const coldUrl = (width: number) => `/img/hot.jpg?w=${width}&fmt=png`;
const VARIANT = 'fmt=webp&w=40';

/** Stores by the setting that says where they are. */
const STORES = { S3: 'S3_ENDPOINT', DynamoDB: 'DYNAMODB_ENDPOINT', SQS: 'SQS_ENDPOINT' } as const;
type Store = keyof typeof STORES;

/** What one wire can do to a store; bytes are carried by S3 alone. */
const FAULTS: ReadonlyArray<readonly [Store, Fault]> = [
  ...(['S3', 'DynamoDB', 'SQS'] as const).flatMap((store) =>
    (['slow', 'fail', 'throttle', 'reset', 'stall', 'lose', 'cut', 'short'] as const).map(
      (kind) => [store, kind] as const,
    ),
  ),
  ['S3', 'flip'],
];

/**
 * How much of what goes over the wire is harmed: all of it, or every other request, which retries get past. Of silence
 * the second would take minutes: each of an upload's calls waits for its end.
 */
const sharesOf = (kind: Fault) => (kind === 'stall' ? [1] : [1, 2]);

interface Bench {
  readonly server: TestServer;
  readonly warmer: TestWarmer;
  readonly wires: Readonly<Record<Store, Wire>>;
  /** What a server on sound stores answers. */
  readonly truth: (url: string) => Promise<Buffer>;
  /** Ids of uploads that were answered with 202. */
  readonly accepted: Set<string>;
}

async function benchOf(t: Test): Promise<Bench | undefined> {
  const env = await emulated(t, await startRecords());
  if (!env) return undefined;
  const wireTo = (store: Store) =>
    startWire(env[STORES[store]] ?? '', { keepsConditions: store === 'S3' && isOfNpm });
  const wires = { S3: await wireTo('S3'), DynamoDB: await wireTo('DynamoDB'), SQS: await wireTo('SQS') };
  const times = { LOOKUP_MS: '100', DEADLINE_MS: '5000', VISIBILITY_SECONDS: '2', SWEEP_SECONDS: '1' };
  const ends = Object.entries(wires).map(([store, { endpoint }]) => [STORES[store as Store], endpoint]);
  const harmed = { ...env, ...Object.fromEntries(ends), ...times, API_RATE_PER_MINUTE: '0' };
  const [server, warmer, sound] = [
    await startServer(harmed),
    await createWarmer({ ...harmed, WARM_ATTEMPTS: '100' }),
    await startServer(),
  ];
  const photo = await corpus('samples/ladybug.jpg');
  await Promise.all([server.put('hot.jpg', photo), sound.put('hot.jpg', photo)]);
  t.teardown(async () => {
    for (const wire of Object.values(wires)) wire.fault = undefined;
    await Promise.all([server.close(), sound.close(), warmer.close()]);
    for (const wire of Object.values(wires)) await wire.stop();
  });
  const truth = async (url: string) => bytesOf(await sound.get(url));
  return { server, warmer, wires, truth, accepted: new Set() };
}

/**
 * Every fault between the programs and each of their stores. What holds throughout: no wrong picture is served or
 * stored, hits in memory are served, and what was accepted is finished; and nothing has to be started again.
 */
export async function wireSuite(t: Test): Promise<void> {
  const bench = await benchOf(t);
  if (!bench) return;
  let turn = 0;
  for (const [store, kind] of FAULTS)
    for (const share of sharesOf(kind)) {
      turn += 1;
      const name = `${kind} of ${share === 1 ? 'every' : 'every other'} request to ${store}`;
      await t.test(name, (t) => oneFault(t, bench, { store, kind, share, turn }));
    }
  await t.test('what was accepted is finished, and nothing else is stored', (t) => finished(t, bench));
}

interface Turn {
  readonly store: Store;
  readonly kind: Fault;
  readonly share: number;
  readonly turn: number;
}

async function oneFault(t: Test, bench: Bench, { store, kind, share, turn }: Turn): Promise<void> {
  const { server, wires, truth, accepted } = bench;
  const hot = await truth(HOT);
  await waitFor(async () => (await tierOf(server, HOT)) === 'memory');
  let request = 0;
  wires[store].fault = { kind, hits: () => request++ % share === 0 };
  for (let lap = 0; lap < 5; lap++) {
    const answer = await server.get(HOT);
    t.equal(answer.status, 200, 'a hit in memory');
    t.ok((await bytesOf(answer)).equals(hot), 'and it is the picture');
  }
  const cold = coldUrl(100 + turn);
  await answered(t, await server.get(cold), await truth(cold));
  const upload = { id: `up-${turn}.jpg`, bytes: await noise(60, 40, turn) };
  const first = await uploaded(server, upload);
  t.ok(
    first === 202 || first >= 500,
    `the upload says ${first}: nothing that its client must believe for ever`,
  );
  if (first === 202) accepted.add(upload.id);
  wires[store].fault = undefined;
  await waitFor(async () => (await server.get(cold)).status === 200);
  await answered(t, await server.get(cold), await truth(cold));
  // The client's repeat works, whatever became of its first try.
  await waitFor(async () => [200, 202].includes(await uploaded(server, upload)));
  accepted.add(upload.id);
}

const tierOf = async (server: TestServer, url: string) => {
  const answer = await server.get(url);
  await bytesOf(answer);
  return answer.headers.get('x-image-cache');
};

/** Either the picture, or an error that no cache keeps and whose client may try again. */
async function answered(t: Test, answer: Response, picture: Buffer): Promise<void> {
  const body = await bytesOf(answer);
  if (answer.status === 200) return void t.ok(body.equals(picture), 'the picture');
  t.match([answer.status, answer.headers.get('cache-control')], [/^50[034]$/, 'no-store']);
}

async function uploaded(server: TestServer, { id, bytes }: { id: string; bytes: Buffer }): Promise<number> {
  const parts = form([
    ['id', id],
    ['variants', JSON.stringify([VARIANT])],
    ['file', bytes],
  ]);
  return (await call<UploadAnswer>(server, 'POST', '/api/images', parts)).status;
}

async function finished(t: Test, { server, warmer, accepted }: Bench): Promise<void> {
  const open = async () => {
    await warmer.rounds.run();
    const records = await Promise.all([...accepted].map((id) => server.stores.records.images.get(id)));
    return records.filter((record) => record?.status !== 'completed');
  };
  await warmer.until(async () => (await open()).length === 0);
  t.same(await open(), [], `${accepted.size} uploads`);
  for (const id of accepted) {
    const original = await server.stores.originals.get(id);
    const seed = Number(/\d+/.exec(id)?.[0]);
    t.ok((await original?.bytes())?.equals(await noise(60, 40, seed)), `${id} is what was sent`);
    // While a bucket is late, what was rendered meanwhile is served; it gives way to what lies there.
    await waitFor(() => isAsStored(server, id));
  }
  t.equal((await server.stores.jobs.depth()).dead, 0, 'no dead letters');
}

async function isAsStored(server: TestServer, id: string): Promise<boolean> {
  const answer = await server.get(`/img/${id}?${VARIANT}`);
  const stored = await server.stores.results.get(storedKey(id, VARIANT));
  return answer.status === 200 && (await bytesOf(answer)).equals(present(await stored?.bytes()));
}
