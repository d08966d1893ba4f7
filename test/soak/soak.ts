import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../../bench/stats.ts';
import { corpus } from '../support/corpus.ts';
import { seeded } from '../support/seeded.ts';
import { waitFor } from '../support/wait.ts';
import { Client } from './client.ts';
import { Fleet } from './fleet.ts';
import { Ledger } from './ledger.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Between two restarts of a program, of the server and of the warmer in turns. */
  readonly restartSeconds: number;
  /** Told now and then how it goes. */
  readonly onProgress?: (text: string) => void;
}

export interface SoakReport {
  readonly answers: ReadonlyMap<number, number>;
  readonly accepted: number;
  readonly removed: number;
  readonly restarts: number;
  readonly crashes: number;
  /** Median resident memory of server, warmer and their render processes, by quarter of the time. */
  readonly quartersMb: readonly number[];
  readonly faults: readonly string[];
}

const CLIENTS = 8;
/** A page, which comes at once. */
const PAGE = 60;
const PAGE_SECONDS = 15;
/** Small ones of many kinds: what is soaked is the service, not the encoders. */
const SHARED = [
  'samples/transparency-demo.png',
  'exif/landscape-6.jpg',
  'exif/gps-small.jpg',
  'animated/red-blue.gif',
  'formats/kodim23.avif',
  'colour/p3-bars.png',
  'samples/ladybug.jpg',
] as const;

/** Mixed load for some minutes, while programs are restarted and their render processes crash. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const fleet = await Fleet.open();
  try {
    const report = await soaked(fleet, options);
    await fleet.close();
    return { ...report, restarts: fleet.restarts, faults: [...report.faults, ...fleet.faults] };
  } finally {
    // Of programs that are left running the process of a test that failed never ends.
    fleet.kill();
  }
}

async function soaked(fleet: Fleet, options: SoakOptions): Promise<SoakReport> {
  const ledger = new Ledger();
  const random = seeded(options.seed);
  const until = performance.now() + options.minutes * 60_000;
  const isOver = () => performance.now() >= until;
  await putShared(fleet);
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) =>
      new Client({
        base: () => fleet.base,
        ledger,
        random: seeded(options.seed + 1 + index),
        shared: SHARED.map((file) => `shared/${file}`),
        name: `client-${index}`,
      }),
  );
  const memory: number[] = [];
  const asking = clients.map(async (client) => {
    while (!isOver()) await client.next();
  });
  const [leader] = clients;
  await Promise.all([
    ...asking,
    every(PAGE_SECONDS, isOver, async () => leader?.burst(PAGE)),
    every(options.restartSeconds, isOver, () => restartOne(fleet)),
    crashing(fleet, { clients, random, isOver }),
    every(5, isOver, async () => {
      memory.push(fleet.memoryMb());
      options.onProgress?.(
        `${[...ledger.answers].map(([status, count]) => `${count} x ${status}`).join(', ')}; ${fleet.restarts} restarts, ${fleet.crashes} crashes, ${memory.at(-1)?.toFixed(0)} MB, ${ledger.faults.length} faults`,
      );
    }),
  ]);
  await looseEnds(fleet, ledger);
  return {
    answers: ledger.answers,
    accepted: ledger.accepted.size,
    removed: ledger.removed.size,
    restarts: fleet.restarts,
    crashes: fleet.crashes,
    quartersMb: quarters(memory).map(median),
    faults: ledger.faults,
  };
}

async function putShared({ stores: { originals } }: Fleet): Promise<void> {
  const facts = { contentType: 'application/octet-stream' };
  for (const file of SHARED) await originals.put(`shared/${file}`, await corpus(file), facts);
  await originals.put('broken.jpg', await corpus('corrupt/header-only.jpg'), facts);
}

async function every(seconds: number, isOver: () => boolean, work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    for (let waited = 0; waited < seconds && !isOver(); waited++) await sleep(1000);
    if (isOver()) return;
    await work();
  }
}

/** Of server and warmer, the one whose turn it is. */
function restartOne(fleet: Fleet): Promise<void> {
  return fleet.restarts % 2 === 0 ? fleet.rollServer() : fleet.rollWarmer();
}

/**
 * One after another, each once all clients have had two answers since the last: a render is tried twice, so that a crash
 * costs nobody anything, and it is not to meet a second one.
 */
async function crashing(
  fleet: Fleet,
  { clients, random, isOver }: { clients: readonly Client[]; random: () => number; isOver: () => boolean },
): Promise<void> {
  while (!isOver()) {
    await sleep(1000 + random() * 2000);
    const before = clients.map(({ answered }) => answered);
    const haveAllAnswers = () => clients.every(({ answered }, index) => answered >= (before[index] ?? 0) + 2);
    fleet.crashRenderProcess(random);
    await waitFor(() => isOver() || haveAllAnswers());
  }
}

/** Once nobody asks any more: everything that was accepted is there, finished and as it was sent; what was removed is gone. */
async function looseEnds({ stores }: Fleet, ledger: Ledger): Promise<void> {
  await drained(stores);
  const { dead } = await stores.jobs.depth();
  if (dead > 0) ledger.fault(`${dead} jobs were given up`);
  for (const [id, md5] of ledger.accepted) {
    const { status } = (await stores.records.images.get(id)) ?? {};
    if (status !== 'completed') ledger.fault(`${id}, which was accepted, is ${status ?? 'lost'}`);
    const { etag } = (await stores.originals.head(id)) ?? {};
    if (etag !== md5) ledger.fault(`${id} has other bytes than were accepted: ${etag}`);
    const variants = await stores.records.variants.list(id);
    if (variants.length !== 2 || variants.some((variant) => variant.status !== 'ready'))
      ledger.fault(
        `${id} has ${variants.map((variant) => `${variant.variant} ${variant.status}`).join(', ')}`,
      );
  }
  for (const id of ledger.removed)
    if (await stores.originals.head(id)) ledger.fault(`${id}, which was removed, is there`);
}

/** However long it takes: hundreds of results that are made smaller once nobody asks take minutes, each of them some. */
async function drained({ jobs }: Fleet['stores']): Promise<void> {
  const waiting = async () => {
    const { ready, inFlight } = await jobs.depth();
    return ready + inFlight;
  };
  for (let before = await waiting(); before > 0; before = await waiting())
    await waitFor(async () => (await waiting()) < before);
}

function quarters(values: readonly number[]): number[][] {
  const length = Math.floor(values.length / 4);
  return [0, 1, 2, 3].map((quarter) => values.slice(quarter * length, (quarter + 1) * length));
}
