import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { treeCpuMs } from './process-tree.ts';

/** What Linux has counted so far. */
interface Counted {
  readonly ms: number;
  readonly busyMs: number;
  readonly programMs: number;
  readonly benchMs: number;
  readonly thread: { readonly workMs: number; readonly waitMs: number };
}

/** Shares of what the cores can do meanwhile, and of the time of one thread. */
export interface Shares {
  readonly program: number;
  /** The bench itself: those who ask. */
  readonly askers: number;
  /** Whoever else is on the machine, and what its host took away. */
  readonly others: number;
  readonly mainAtWork: number;
  /** It could have run, and another one did. */
  readonly mainWaiting: number;
}

const TICK_MS = 10;

function busyMs(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
    .split(/\s+/, 9)
    .map(Number);
  const ticks = [user, nice, system, irq, softirq, steal];
  return ticks.reduce<number>((sum, each) => sum + (each ?? 0), 0) * TICK_MS;
}

/** Of the main thread alone. */
function threadOf(pid: number): Counted['thread'] {
  const [workNs = 0, waitNs = 0] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ').map(Number);
  return { workMs: workNs / 1e6, waitMs: waitNs / 1e6 };
}

function count(root: number, server: number): Counted {
  const programMs = treeCpuMs(root);
  return {
    ms: performance.now(),
    busyMs: busyMs(),
    programMs,
    benchMs: treeCpuMs(process.pid) - programMs,
    thread: threadOf(server),
  };
}

/**
 * Looks at the machine now; what it returns looks again and tells the difference.
 *
 * @param root    the process that all of the program's descend from, a child of this one
 * @param server  the one whose main thread is looked at
 */
export function watchMachine(root: number, server: number): () => Shares {
  const before = count(root, server);
  return () => {
    const after = count(root, server);
    const ms = after.ms - before.ms;
    const ofMachine = (each: 'busyMs' | 'programMs' | 'benchMs') =>
      (after[each] - before[each]) / (ms * availableParallelism());
    const [program, askers] = [ofMachine('programMs'), ofMachine('benchMs')];
    return {
      program,
      askers,
      others: ofMachine('busyMs') - program - askers,
      mainAtWork: (after.thread.workMs - before.thread.workMs) / ms,
      mainWaiting: (after.thread.waitMs - before.thread.waitMs) / ms,
    };
  };
}
