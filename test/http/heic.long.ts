import t from 'tap';
import { corpus, heicRows } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { poolEvents, sharedRendering } from '../support/rendering.ts';
import { seeded, seedOfRun } from '../support/seeded.ts';
import { bytesOf, problemOf, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { warmerOf } from '../support/warmer.ts';
import { heicFlow } from './heic.ts';

t.setTimeout(1_800_000);

t.test('the master of a HEIC lives and dies with it in S3 as well', async (t) => {
  const env = await emulated(t, await startRecords());
  if (env) await heicFlow(t, env);
});

t.test('a warmer renders a HEIC of 12 MP as a request does', async (t) => {
  const warmer = await warmerOf(t);
  const forms = ['fmt=webp&w=300', 'fmt=jpeg&w=700', 'fmt=png&h=90'];
  await warmer.ask('a', await corpus('heic/arrow.heic'), forms);
  const isDone = async () => (await warmer.variants('a')).every(({ status }) => status === 'ready');
  await warmer.until(isDone);
  const server = await startServer({ DATA_DIR: warmer.config.dataDir });
  t.teardown(() => server.close());
  for (const form of forms) {
    const answer = await server.get(`/img/a?${form}`);
    t.match([answer.status, answer.headers.get('x-image-cache')], [200, 'stored'], form);
  }
});

t.test('who waits too long is told, and the process that decodes is ended', async (t) => {
  const server = await startServer({ DEADLINE_MS: '300' });
  t.teardown(() => server.close());
  await server.put('a', await corpus('heic/arrow.heic'));
  // Beside much else a request may be late before it has a process at all: then there is none to end.
  await waitFor(async () => {
    t.match(await problemOf(await server.get('/img/a?w=9')), { status: 504, code: 'deadline' });
    return poolEvents.some(({ kind }) => kind === 'too-slow' || kind === 'abandoned');
  });
  // What was asked for again is ended as well, and is not to be taken for an end of the next test (red beside load).
  const { pool } = await sharedRendering();
  await waitFor(() => pool.load.busy === 0 && pool.load.waiting === 0);
});

/** A file with a few bytes that are others, or with its end cut off. */
function damaged(file: Buffer, random: () => number): Buffer {
  const copy = Buffer.from(file);
  const below = (most: number) => Math.floor(random() * most);
  // The header says where everything lies: most of the damage goes there.
  const place = () => below(random() < 0.7 ? Math.min(copy.length, 700) : copy.length);
  for (let count = 1 + below(4); count > 0; count -= 1)
    copy[place()] = random() < 0.3 ? (random() < 0.5 ? 0 : 255) : below(256);
  return random() < 0.2 ? copy.subarray(0, below(copy.length)) : copy;
}

const COUNT = 500;

t.test(`${COUNT} damaged HEICs are pictures or refused, in time, and cost no process`, async (t) => {
  const seed = seedOfRun();
  const random = seeded(seed);
  const before = poolEvents.filter(({ kind }) => kind !== 'recycled').length;
  const server = await startServer({ DEADLINE_MS: '30000' });
  t.teardown(() => server.close());
  const bases = await Promise.all(heicRows().map(({ file }) => corpus(file)));
  const small = bases.filter(({ length }) => length < 30_000);
  const seen = new Map<string, number>();
  const wrong: string[] = [];
  for (let index = 0; index < COUNT; index += 1) {
    const file = damaged(small[Math.floor(random() * small.length)] ?? Buffer.alloc(0), random);
    await server.put('a', file);
    const answer = await server.get('/img/a?w=50&fmt=png');
    const code = answer.status === 200 ? 'served' : String((await problemOf(answer))['code']);
    if (answer.status === 200) await bytesOf(answer);
    seen.set(code, (seen.get(code) ?? 0) + 1);
    if (![200, 415, 422].includes(answer.status)) wrong.push(`${index}: ${answer.status} ${code}`);
  }
  t.comment(`seed ${seed}: ${JSON.stringify([...seen])}`);
  t.same(wrong, []);
  t.same(poolEvents.filter(({ kind }) => kind !== 'recycled').slice(before, before + 3), []);
  t.equal((await server.get('/healthz')).status, 200);
});
