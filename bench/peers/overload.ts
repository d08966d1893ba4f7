import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { corpusPath } from '../../test/support/corpus.ts';
import { median, quantile } from '../stats.ts';
import { renderers } from './contestants.ts';
import { ask, Ours } from './ours.ts';
import { atLeast, atMost, type Measured, shown } from './part.ts';

/** The issue's minute where it is asked for; less says nearly as much. */
const SECONDS = Number(process.env['OVERLOAD_SECONDS'] ?? 15);
const [CAPACITY_SECONDS, IDLE_SECONDS, TIMES, HITS_PER_SECOND, CLIENTS] = [4, 5, 4, 100, 2];
const FILE = 'ladybug.jpg';

/** Latencies of requests that another process sends on time. */
async function paced(url: string, seconds: number): Promise<number[]> {
  const child = fork(new URL('./paced-process.ts', import.meta.url), [
    url,
    String(HITS_PER_SECOND),
    String(seconds),
  ]);
  const [latencies] = (await once(child, 'message')) as [number[]];
  return latencies;
}

/** A path that nobody has asked for, at each call. */
type NextPath = () => string;

interface Overload {
  readonly keptThroughput: number;
  readonly refusedShare: number;
  readonly waitSeconds: number;
  readonly recoverySeconds: number;
}

/** Renders a second that two clients get, who ask one after the other. */
async function capacity(port: number, next: NextPath): Promise<number> {
  const until = performance.now() + CAPACITY_SECONDS * 1000;
  let done = 0;
  const client = async () => {
    while (performance.now() < until) {
      await ask(port, next());
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return done / CAPACITY_SECONDS;
}

async function recovered(port: number, next: NextPath, aloneMs: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const before = performance.now();
    const isDone = await ask(port, next()).then(
      () => true,
      () => false,
    );
    if (isDone && performance.now() - before < 3 * aloneMs) return (before - started) / 1000;
    if (performance.now() - started > 30_000) return Number.NaN;
    await sleep(50);
  }
}

async function overloaded(port: number, next: NextPath): Promise<Overload> {
  await capacity(port, next);
  const perSecond = await capacity(port, next);
  const waits: number[] = [];
  const wanted = Math.round(perSecond * TIMES * SECONDS);
  const sent: Promise<void>[] = [];
  const started = performance.now();
  while (sent.length < wanted) {
    const due = Math.min(wanted, Math.floor(((performance.now() - started) / 1000) * perSecond * TIMES));
    while (sent.length < due) {
      const before = performance.now();
      sent.push(
        ask(port, next()).then(
          () => void waits.push(performance.now() - before),
          () => undefined,
        ),
      );
    }
    await sleep(2);
  }
  // What is let in and still waits counts for the seconds that it takes.
  const recoverySeconds = await recovered(port, next, (CLIENTS * 1000) / perSecond);
  await Promise.all(sent);
  const seconds = (performance.now() - started) / 1000;
  return {
    keptThroughput: waits.length / seconds / perSecond,
    refusedShare: 1 - waits.length / wanted,
    waitSeconds: median(waits) / 1000,
    recoverySeconds,
  };
}

const row = (
  name: string,
  { keptThroughput, refusedShare, waitSeconds, recoverySeconds }: Overload,
): string[] => [
  name,
  `${shown(keptThroughput)} x`,
  `${(refusedShare * 100).toFixed(0)} %`,
  `${shown(waitSeconds)} s`,
  Number.isNaN(recoverySeconds) ? 'above 30 s' : `${shown(recoverySeconds)} s`,
];

/** Work 6: four times as many cold renders as the machine does, hits beside them. */
export async function overload(): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-peers-'));
  await symlink(corpusPath(`samples/${FILE}`), join(folder, FILE));
  const ours = await Ours.start({ UPGRADE: 'off' });
  const rows: string[][] = [];
  let figures: Overload;
  let hits: readonly [idle: number, beside: number];
  try {
    await ours.put(FILE, corpusPath(`samples/${FILE}`));
    let width = 400;
    const hit = `http://127.0.0.1:${ours.program.port}/img/${FILE}?w=320&fmt=webp`;
    await paced(hit, 1);
    const idle = await paced(hit, IDLE_SECONDS);
    const beside = paced(hit, SECONDS + 2 * CAPACITY_SECONDS);
    figures = await overloaded(ours.program.port, () => `/img/${FILE}?w=800&h=${width++}&fmt=webp`);
    hits = [quantile(idle, 0.99), quantile(await beside, 0.99)];
    rows.push(row('Rendition', figures));
    for (const peer of renderers().filter(({ name }) => name !== 'imagor')) {
      const running = await peer.start(folder);
      rows.push(
        row(
          peer.name,
          await overloaded(running.port, () =>
            peer.pathOf({ file: FILE, width: 400 + (width++ % 400), format: 'webp' }),
          ),
        ),
      );
      await running.stop();
    }
  } finally {
    await ours.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return {
    tables: [
      {
        title: `### ${TIMES} times as many cold renders as the machine does, for ${SECONDS} s`,
        head: ['who', 'throughput kept', 'refused', 'median wait of the others', 'recovered after'],
        rows,
      },
    ],
    targets: [
      atMost('p99 of hits under overload against idle', 2, hits[1] / hits[0]),
      atLeast('throughput kept under overload', 0.95, figures.keptThroughput),
      atMost('recovery after overload', 1, figures.recoverySeconds, ' s'),
    ],
    notes: [
      `p99 of ${HITS_PER_SECOND} hits a second: ${shown(hits[0])} ms idle, ${shown(hits[1])} ms beside; that includes the generator, which runs on the same cores. ${SECONDS < 60 ? '`OVERLOAD_SECONDS=60` for the minute of the target.' : ''}`,
    ],
  };
}
