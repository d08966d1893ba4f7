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
  /** The same once a drawing has been drawn, where that is another: what comes now is the work of the encoder. */
  readonly drawnResidentBytes?: number | undefined;
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
  /** Monotonic ms. */
  readonly now: () => number;
  /** Called when the process has done what it may not, which has to end it. */
  readonly onBreach: (breach: Breach) => void;
}

const WATCH_MS = 50;
/**
 * Processor time of a drawing after which others go first: it may take sixty times that, while a photograph beside it is
 * made in a tenth. Two of the same priority would share a core evenly (measured: 1.5 times as long as alone).
 */
const PATIENT_MS = 500;
/** For a pass that nobody waits for any more to come to its end; a new process costs a third of a second. */
const GRACE_MS = 2_000;

/** Looks at a process until it is told that its task has ended, by the returned function. */
export function watchTask(process: RenderProcess, { limits, abandoned, now, onBreach }: Watched): () => void {
  // Asked for only where it is bounded: the kernel adds up all threads of a process for it.
  const cpuNow = () => (limits().maxCpuMs === undefined ? undefined : process.cpuMs());
  const [started, before] = [now(), cpuNow()];
  let leftAt: number | undefined;
  const breachNow = (): Breach | undefined => {
    if (abandoned?.aborted) leftAt ??= now();
    if (leftAt !== undefined && now() - leftAt > GRACE_MS)
      return { kind: 'abandoned', reason: `${GRACE_MS} ms`, problem: tooLate(GRACE_MS) };
    const cpu = cpuNow();
    const cpuMs = cpu === undefined || before === undefined ? undefined : cpu - before;
    const { maxCpuMs } = limits();
    if (maxCpuMs !== undefined && cpuMs !== undefined && cpuMs > PATIENT_MS) process.demote();
    const residentBytes = process.residentBytes();
    return breachOf(limits(), { cpuMs, wallMs: now() - started, residentBytes });
  };
  const timer = setInterval(() => {
    const breach = process.hasEnded ? undefined : breachNow();
    if (breach) onBreach(breach);
  }, WATCH_MS).unref();
  return () => clearInterval(timer);
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
