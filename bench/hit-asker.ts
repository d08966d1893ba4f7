/**
 * The process that asks for hits, see overload.ts: URL, hits a second, seconds; it sends the ms of each. It does nothing
 * else, and asks on time whether or not those before are answered: a time counts from when the hit was due, so that what
 * comes late makes those behind it late as well.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Wire } from './wire.ts';

interface Schedule {
  /** ms of the clock that threads share. */
  readonly startMs: number;
  readonly everyMs: number;
  readonly count: number;
}

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A timer of the event loop is late by up to 1 ms, which is as long as a hit takes: a thread that only waits is not. */
function tick({ startMs, everyMs, count }: Schedule): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  for (let number = 0; number < count; number++) {
    const dueMs = startMs + number * everyMs;
    Atomics.wait(nobody, 0, 0, Math.max(0, dueMs - nowMs()));
    parentPort?.postMessage(dueMs);
  }
}

async function ask(): Promise<void> {
  const [url = '', perSecond = '100', seconds = '10'] = process.argv.slice(2);
  const { port, pathname, search } = new URL(url);
  const idle: Wire[] = [];
  const times: number[] = [];
  const askOnce = async (dueMs: number) => {
    const wire = idle.pop() ?? (await Wire.connect(Number(port)));
    await wire.get(pathname + search);
    times.push(nowMs() - dueMs);
    idle.push(wire);
  };
  // Compiled, and connected, before the first one counts.
  for (let count = 0; count < 20; count++) await askOnce(nowMs());
  times.length = 0;
  const everyMs = 1000 / Number(perSecond);
  const count = Math.round(Number(perSecond) * Number(seconds));
  const schedule: Schedule = { startMs: nowMs() + 100, everyMs, count };
  const clock = new Worker(new URL(import.meta.url), { workerData: schedule });
  clock.on('message', (dueMs: number) => void askOnce(dueMs));
  await once(clock, 'exit');
  while (times.length < count) await sleep(10);
  for (const wire of idle) wire.close();
  process.send?.(times);
  process.disconnect();
}

if (isMainThread) await ask();
else tick(workerData);
