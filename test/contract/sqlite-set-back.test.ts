import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { openSqlite } from '../../server/stores/sqlite/open.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { present } from './suite.ts';

const folder = await temporaryFolder();
t.teardown(() => removeFolder(folder));
const DAY_MS = 24 * 3_600_000;
const receiving = { max: 10, waitSeconds: 0, visibilitySeconds: 60 };

/** A database that was written before its clock was set back by a day. */
function database(name: string) {
  const path = join(folder, name);
  const stores = openSqlite(path, { maxReceives: 3 });
  t.teardown(() => stores.close());
  const raw = new DatabaseSync(path);
  t.teardown(() => raw.close());
  const setBack = () => {
    raw.exec(`UPDATE jobs SET sent_at = sent_at + ${DAY_MS}, visible_at = visible_at + ${DAY_MS}`);
    raw.exec(`UPDATE leases SET until = until + ${DAY_MS}`);
    raw.exec(
      `UPDATE answers SET held_until = held_until + ${DAY_MS}, expires_at = expires_at + ${DAY_MS} WHERE held_until > 0`,
    );
  };
  return { ...stores, raw, setBack };
}

t.test('jobs that wait are there at once, those in flight after their time, each once', async (t) => {
  const { jobs, raw, setBack } = database('jobs');
  await jobs.send(['in flight']);
  const [flying] = await jobs.receive(receiving);
  await jobs.send(['waits', { body: 'late', delaySeconds: 900 }]);
  setBack();
  t.same(
    (await jobs.receive(receiving)).map(({ body, receives }) => [body, receives]),
    [
      ['waits', 1],
      ['late', 1],
    ],
  );
  t.same(await jobs.receive(receiving), [], 'whoever works on one keeps it');
  t.ok(present(await jobs.oldestSentAt()).getTime() - Date.now() < 60_000, 'nothing seems to be of tomorrow');
  t.equal(await jobs.extend(present(flying).receipt, 60), true);
  raw.exec('UPDATE jobs SET visible_at = visible_at - 61000');
  t.equal((await jobs.receive(receiving)).length, 3, 'and loses it when his time is over');
});

t.test('a job that was sent long before and is in flight comes back after its time', async (t) => {
  const { jobs, raw } = database('old');
  await jobs.send(['a']);
  await jobs.receive(receiving);
  raw.exec(`UPDATE jobs SET visible_at = visible_at + ${DAY_MS}`);
  t.same(await jobs.receive(receiving), []);
  raw.exec('UPDATE jobs SET visible_at = visible_at - 61000');
  t.match(await jobs.receive(receiving), [{ body: 'a', receives: 2 }]);
});

t.test('dead letters can be read', async (t) => {
  const { jobs, raw, setBack } = database('dead');
  await jobs.send(['a']);
  raw.exec('UPDATE jobs SET dead = 1');
  await jobs.deadLetters.receive(receiving);
  setBack();
  await jobs.deadLetters.receive(receiving);
  raw.exec('UPDATE jobs SET visible_at = visible_at - 61000');
  t.match(await jobs.deadLetters.receive(receiving), [{ body: 'a' }]);
});

t.test('a lease and a key of somebody who died are free, and those of now are held', async (t) => {
  const { records, setBack } = database('held');
  const { locks, answers } = records;
  const attempt = { owner: 'a', seed: '1', holdSeconds: 60, keepSeconds: 86_400 };
  await locks.lease('round', 'a', 120);
  await answers.take('key', attempt);
  t.equal(await locks.lease('round', 'b', 120), false);
  t.match(await answers.take('key', { ...attempt, owner: 'b' }), { state: 'held' });
  setBack();
  t.equal(await locks.lease('round', 'b', 120), true);
  t.equal(await locks.lease('round', 'a', 120), false);
  t.match(await answers.take('key', { ...attempt, owner: 'b', seed: '2' }), { state: 'taken', seed: '1' });
  t.match(await answers.take('key', attempt), { state: 'held' });
});
