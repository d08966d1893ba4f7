import { existsSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { unlinkIfThere, withLock } from '../../../server/stores/files/lock.ts';

const HOUR_MS = 3_600_000;

for (const [name, hours] of [
  ['was killed an hour ago', -1],
  ['made it before the clock was set back by an hour', 1],
] as const)
  t.test(`a lock of one who ${name} holds nobody up`, async (t) => {
    const lock = join(t.testdir({}), 'lock');
    writeFileSync(lock, '');
    const made = new Date(Date.now() + hours * HOUR_MS);
    utimesSync(lock, made, made);
    t.equal(await withLock(lock, () => existsSync(lock)), true, 'held while at work');
    t.notOk(existsSync(lock));
  });

t.test('who finds it held waits until it is given back', async (t) => {
  const lock = join(t.testdir({}), 'lock');
  writeFileSync(lock, '');
  const order: string[] = [];
  const waiting = withLock(lock, () => order.push('mine'));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('given back');
  unlinkSync(lock);
  await waiting;
  t.same(order, ['given back', 'mine']);
});

t.test('a lock that cannot be made says why, and one that is gone is nothing to remove', async (t) => {
  const folder = t.testdir({ file: 'a file' });
  await t.rejects(
    withLock(join(folder, 'none', 'lock'), () => 1),
    { code: 'ENOENT' },
  );
  t.equal(unlinkIfThere(join(folder, 'none')), false);
  t.equal(unlinkIfThere(join(folder, 'file', 'below')), false);
  t.throws(() => unlinkIfThere(folder), { code: /EISDIR|EPERM/ });
});
