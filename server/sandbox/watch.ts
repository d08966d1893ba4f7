import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../shared/errors.ts';
import type { RenderProcess } from './process.ts';

/** What a task may take before its process is killed. */
export interface RunLimits {
  /** Processor time after which the original is to blame, however long it waited beside others; absent: never. */
  readonly maxCpuMs?: number | undefined;
  /** Real time after which it is given up, waiting for a process excluded. */
  readonly maxWallMs: number;
  /** Resident memory of its process. */
  readonly maxResidentBytes: number;
}

/** Why a process must be killed, and what whoever waits for its task is told. */
export interface Breach {
  readonly kind: 'too-slow' | 'too-large' | 'abandoned';
  readonly reason: string;
  readonly problem: Problem;
}

interface Watched {
  /** As they are now: a slow encode, which comes last, says nothing of the original. */
  readonly limits: () => RunLimits;
  /** Fires when nobody waits for the task any more. */
  readonly abandoned: AbortSignal | undefined;
  /** Fires when the task has ended. */
  readonly ended: AbortSignal;
  /** Monotonic ms. */
  readonly now: () => number;
}

const WATCH_MS = 50;
/**
 * Processor time of a drawing after which others go first: it may take sixty times that, while a photograph beside it is
 * made in a tenth. Two of the same priority would share a core evenly (measured: 1.5 times as long as alone).
 */
const PATIENT_MS = 500;
/** For a pass that nobody waits for any more to come to its end; a new process costs a third of a second. */
const GRACE_MS = 2_000;

/** Looks at a process until its task has ended; resolves early to what it has done that it may not. */
export async function watchTask(
  process: RenderProcess,
  { limits, abandoned, ended, now }: Watched,
): Promise<Breach | undefined> {
  const [started, before] = [now(), await process.cpuMs()];
  let leftAt: number | undefined;
  while (!ended.aborted && !process.hasEnded) {
    await sleep(WATCH_MS, undefined, { signal: ended, ref: false }).catch(() => undefined);
    if (ended.aborted) return undefined;
    if (abandoned?.aborted) leftAt ??= now();
    if (leftAt !== undefined && now() - leftAt > GRACE_MS)
      return { kind: 'abandoned', reason: `${GRACE_MS} ms`, problem: tooLate(GRACE_MS) };
    const cpu = await process.cpuMs();
    const cpuMs = cpu === undefined || before === undefined ? undefined : cpu - before;
    const residentBytes = await process.residentBytes();
    const { maxCpuMs } = limits();
    if (maxCpuMs !== undefined && cpuMs !== undefined && cpuMs > PATIENT_MS) process.demote();
    const breach = breachOf(limits(), { cpuMs, wallMs: now() - started, residentBytes });
    if (breach) return breach;
  }
  return undefined;
}

/** @param cpuMs  undefined where the system does not say: real time decides alone, and blames nobody */
function breachOf(
  { maxCpuMs = Number.POSITIVE_INFINITY, maxWallMs, maxResidentBytes }: RunLimits,
  { cpuMs, wallMs, residentBytes }: { cpuMs: number | undefined; wallMs: number; residentBytes: number },
): Breach | undefined {
  if (residentBytes > maxResidentBytes) {
    const problem = unrenderable(`took more than ${maxResidentBytes} bytes of memory`);
    return { kind: 'too-large', reason: `${residentBytes} bytes`, problem };
  }
  if (cpuMs !== undefined && cpuMs > maxCpuMs) {
    const problem = unrenderable(`took more than ${maxCpuMs} ms of the processor`);
    return { kind: 'too-slow', reason: `${Math.round(cpuMs)} ms of the processor`, problem };
  }
  if (wallMs <= (cpuMs === undefined ? Math.min(maxCpuMs, maxWallMs) : maxWallMs)) return undefined;
  return { kind: 'too-slow', reason: `${Math.round(wallMs)} ms`, problem: tooLate(Math.round(wallMs)) };
}

/** An original that no process gets through. */
export function unrenderable(what: string, cause?: unknown): Problem {
  return new Problem('unrenderable', `The original ${what}; it is not tried again for a while.`, {}, cause);
}

const tooLate = (ms: number): Problem =>
  new Problem('deadline', `The render took longer than ${ms} ms and was stopped.`, { retryAfterSeconds: 1 });
