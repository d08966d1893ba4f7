import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Makes a process give way to others on the same machine. Linux has a priority per thread, and loading this module has
 * started most of them: without the loop the threads that render would keep theirs (seen in /proc: main at 19,
 * the libuv workers at 0). Threads that come later inherit it.
 *
 * @param nice  0 to 19, the more the later its turn; only a privileged program can take it back
 * @param pid   absent: this process
 */
export function lowerPriority(nice: number, pid?: number): void {
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, nice);
    } catch {
      // A thread that has just ended, or a sandbox that forbids it: being polite is no condition of working.
    }
  }
}

function threadsOf(pid: number | undefined): number[] {
  if (process.platform !== 'linux') return [pid ?? 0];
  try {
    return readdirSync(`/proc/${pid ?? 'self'}/task`).map(Number);
  } catch {
    // It has ended.
    return [];
  }
}
