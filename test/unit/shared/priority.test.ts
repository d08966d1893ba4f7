import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getPriority } from 'node:os';
import t from 'tap';
import { lowerPriority } from '../../../server/shared/priority.ts';

t.test('a process gives way; one that has ended is left alone', async (t) => {
  const child = spawn('sleep', ['600']);
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  lowerPriority(7, pid);
  t.equal(getPriority(pid), 7);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  t.doesNotThrow(() => lowerPriority(7, pid));
});
