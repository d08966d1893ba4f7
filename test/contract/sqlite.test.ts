import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { openSqlite } from '../../server/stores/sqlite/open.ts';
import { MIGRATIONS } from '../../server/stores/sqlite/schema.ts';
import { spawnProgram } from '../support/command.ts';
import { removeFolder } from '../support/folders.ts';
import { waitFor } from '../support/wait.ts';
import { present } from './suite.ts';

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
const children: ChildProcess[] = [];
t.teardown(async () => {
  for (const child of children) child.kill('SIGKILL');
  await removeFolder(folder);
});

function worker(path: string, ...args: string[]): { child: ChildProcess; lines: Interface } {
  const child = spawnProgram('test/support/worker.ts', { words: [path, ...args] });
  children.push(child);
  return { child, lines: createInterface(child.stdout) };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
}

t.test(
  'a process killed at any moment has done each step wholly or not at all, and all it acknowledged',
  async (t) => {
    const path = join(folder, 'killed.db');
    for (const [round, steps] of [0, 1, 3, 8, 20].entries()) {
      const name = `c${round}`;
      const { child, lines } = worker(path, 'fill', name);
      let acknowledged = -1;
      lines.on('line', (line) => {
        acknowledged = Number(line);
      });
      await once(lines, 'line');
      await waitFor(() => acknowledged >= steps);
      await kill(child);
      const { records, close } = openSqlite(path, { maxReceives: 3 });
      const { items } = await records.images.list({ collection: name, limit: 100_000 });
      t.equal((await records.collections.get(name))?.count, items.length);
      t.equal(items.length % 3, 0, 'relations are made three at a time');
      t.ok(items.length >= 3 * (acknowledged + 1), `${items.length} related, ${acknowledged} acknowledged`);
      close();
    }
    const raw = new DatabaseSync(path);
    t.match(raw.prepare('PRAGMA integrity_check').get(), { integrity_check: 'ok' });
    t.same(raw.prepare('PRAGMA foreign_key_check').all(), []);
    raw.close();
  },
);

t.test('a process killed at any moment has written a change and its jobs, or neither', async (t) => {
  const path = join(folder, 'told.db');
  for (const [round, steps] of [1, 4, 9].entries()) {
    const name = `told-${round}`;
    const { child, lines } = worker(path, 'tell', name);
    let acknowledged = 0;
    lines.on('line', (line) => {
      acknowledged = Number(line);
    });
    await waitFor(() => acknowledged >= steps);
    await kill(child);
    const { records, jobs, close } = openSqlite(path, { maxReceives: 3 });
    const { revision } = present(await records.images.get(name));
    t.ok(revision > acknowledged, `${acknowledged} acknowledged`);
    const bodies: string[] = [];
    for (let more = 1; more > 0; ) {
      const received = await jobs.receive({ max: 10, waitSeconds: 0, visibilitySeconds: 30 });
      for (const { receipt } of received) await jobs.remove(receipt);
      bodies.push(...received.map(({ body }) => body));
      more = received.length;
    }
    t.same(
      bodies,
      Array.from({ length: revision - 1 }, (_, n) => `${name} ${n + 1}`),
    );
    close();
  }
});

t.test('several processes share the queue, and each job is done once', async (t) => {
  const path = join(folder, 'shared.db');
  const { jobs, records, close } = openSqlite(path, { maxReceives: 3 });
  t.teardown(close);
  const workers = [worker(path, 'work'), worker(path, 'work'), worker(path, 'work')];
  await Promise.all(workers.map(({ lines }) => once(lines, 'line')));
  const done: string[] = [];
  for (const { lines } of workers) lines.on('line', (line) => done.push(line));
  const bodies = Array.from({ length: 60 }, (_, n) => `job-${n}`);
  await jobs.send(bodies);
  await waitFor(() => done.length >= 60);
  t.same(done.sort(), bodies.map((body) => `${body} true`).sort(), 'each is done once');
  // A worker says that it is done before it removes the message.
  await waitFor(async () => (await jobs.depth()).inFlight === 0);
  await Promise.all(workers.map(({ child }) => kill(child)));
  t.same(await jobs.depth(), { ready: 0, inFlight: 0, dead: 0 });
  t.equal((await records.images.list({ limit: 100 })).items.length, 60);
});

t.test('a receiver sees what another process sends long before its wait is over', async (t) => {
  const path = join(folder, 'wake.db');
  const [receiver, sender] = [openSqlite(path, { maxReceives: 3 }), openSqlite(path, { maxReceives: 3 })];
  for (const { close } of [receiver, sender]) t.teardown(close);
  const other = openSqlite(join(folder, 'silent.db'), { maxReceives: 3 });
  t.teardown(other.close);
  const order: string[] = [];
  const options = { max: 1, waitSeconds: 20, visibilitySeconds: 60 };
  const ends = new AbortController();
  const inVain = other.jobs.receive(options, ends.signal).finally(() => order.push('waited in vain'));
  const waiting = receiver.jobs.receive(options).finally(() => order.push('got it'));
  // Its first look is behind it: only the other process's message can wake it now.
  await setImmediate();
  await sender.jobs.send(['a']);
  t.match(await waiting, [{ body: 'a' }]);
  ends.abort();
  await inVain;
  t.same(order, ['got it', 'waited in vain']);
});

t.test('processes that make the file at once do not trip over each other', async (t) => {
  const path = join(folder, 'new', 'made.db');
  const workers = Array.from({ length: 4 }, () => worker(path, 'work'));
  const lines = await Promise.all(workers.map(({ lines }) => once(lines, 'line')));
  t.equal(lines.length, 4);
  await Promise.all(workers.map(({ child }) => kill(child)));
});

t.test('opening again keeps what is there, and brings no changes', async (t) => {
  const path = join(folder, 'again.db');
  const first = openSqlite(path, { maxReceives: 3 });
  await first.records.images.create({ id: 'a', status: 'uploaded', createdAt: new Date().toISOString() });
  const image = present(await first.records.images.get('a'));
  first.close();
  const second = openSqlite(path, { maxReceives: 3 });
  t.same(await second.records.images.get('a'), image);
  second.close();
});

t.test('a file of an older version is brought on, with the messages that wait in it', async (t) => {
  const path = join(folder, 'older.db');
  const raw = new DatabaseSync(path);
  raw.exec(MIGRATIONS[0]);
  raw.exec("INSERT INTO jobs (body, visible_at) VALUES ('a', 0); PRAGMA user_version = 1");
  raw.close();
  const { jobs, close } = openSqlite(path, { maxReceives: 3 });
  t.teardown(close);
  const [job] = await jobs.receive({ max: 1, waitSeconds: 0, visibilitySeconds: 5 });
  t.match(job, { body: 'a', receives: 1 });
  t.ok(Math.abs(Number(job?.sentAt) - Date.now()) < 10_000, 'as if sent now');
});

t.test('readers go on while another process writes', async (t) => {
  const path = join(folder, 'busy.db');
  const { records, close } = openSqlite(path, { maxReceives: 3 });
  t.teardown(close);
  const raw = new DatabaseSync(path);
  raw.exec("BEGIN IMMEDIATE; INSERT INTO leases VALUES ('a', 'a', 1)");
  t.equal(await records.images.get('a'), undefined);
  raw.exec('ROLLBACK');
  raw.close();
});

t.test('a file of a newer version is refused, not guessed at', async (t) => {
  const path = join(folder, 'newer.db');
  openSqlite(path, { maxReceives: 3 }).close();
  const raw = new DatabaseSync(path);
  raw.exec('PRAGMA user_version = 999');
  raw.close();
  t.throws(() => openSqlite(path, { maxReceives: 3 }), { code: 'store_unavailable', cause: /newer version/ });
});

t.test('a receive costs the same however many jobs wait', async (t) => {
  const microsOf = async (waiting: number) => {
    const path = join(folder, `waiting-${waiting}.db`);
    const { jobs, close } = openSqlite(path, { maxReceives: 3 });
    const raw = new DatabaseSync(path);
    raw.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${waiting})
      INSERT INTO jobs (body, sent_at, visible_at) SELECT 'job ' || i, 1, 1 FROM n`);
    raw.close();
    const options = { max: 1, waitSeconds: 0, visibilitySeconds: 60 };
    await jobs.receive(options);
    // The least of some laps: a collection of garbage costs more than forty receives.
    const laps: number[] = [];
    for (let lap = 0; lap < 5; lap++) {
      const before = process.cpuUsage();
      for (let call = 0; call < 40; call++) await jobs.receive(options);
      const { user, system } = process.cpuUsage(before);
      laps.push(user + system);
    }
    close();
    return Math.min(...laps);
  };
  const ratio = (await microsOf(50_000)) / (await microsOf(1000));
  t.ok(ratio < 5, `${ratio.toFixed(1)} times as much with 50 times as many`);
});

t.test('redrive sends the oldest dead letters first', async (t) => {
  const { jobs, close } = openSqlite(join(folder, 'redriven.db'), { maxReceives: 1 });
  t.teardown(close);
  const options = { max: 10, waitSeconds: 0, visibilitySeconds: 0 };
  await jobs.send(['a', 'b', 'c']);
  await waitFor(async () => {
    await jobs.receive(options);
    return (await jobs.depth()).dead === 3;
  });
  t.equal(await jobs.redrive(2), 2);
  t.same(
    (await jobs.receive({ ...options, visibilitySeconds: 60 })).map(({ body }) => body),
    ['a', 'b'],
  );
});
