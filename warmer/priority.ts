import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Gives way to the live priority on the same machine. Linux has a priority per thread, and loading this module has
 * started most of them: without the loop the threads that render would keep theirs (seen in /proc: main at 19,
 * the libuv workers at 0). Threads that come later inherit it.
 *
 * @param nice  0 to 19, the more the later our turn
 */
export function lowerPriority(nice: number): void {
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0];
  for (const thread of threads) {
    try {
      setPriority(thread, nice);
    } catch {
      // A thread that has just ended, or a sandbox that forbids it: being polite is no condition of working.
    }
  }
}
