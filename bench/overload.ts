import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileObjects } from '../server/stores/files/objects.ts';
import { askHits, askNew } from './asking.ts';
import { storeWithSample } from './hits.ts';
import { watchMachine } from './machine.ts';
import { BROWSER, newPicture } from './new-pictures.ts';
import { Control } from './overload-control.ts';
import { HITS_PER_SECOND, type Page, ROUNDS, type Round, rowsOf, TIMES_TOO_MANY } from './overload-rows.ts';
import { childrenOf } from './process-tree.ts';
import { type Program, startRendition } from './program.ts';
import type { Row } from './stats.ts';

const SAMPLE = new URL('../samples/ladybug.jpg', import.meta.url);
const HIT = '/img/ladybug.jpg?w=480&fmt=webp';
const PAGE_PICTURES = 60;
/** A warmer that makes smaller what the last round left would work beside the hits of the next: `live-lane` measures that. */
const UNCHANGING = { UPGRADE: 'off' };

/** Pictures that nobody has asked this program for, one after the other. */
class New {
  #count = 0;
  readonly base: string;

  constructor({ port }: Program) {
    this.base = `http://127.0.0.1:${port}`;
  }

  next(): string {
    return this.base + newPicture(this.take(1));
  }

  /** The number of the first of so many. */
  take(count: number): number {
    this.#count += count;
    return this.#count - count;
  }
}

/** Renders a second that the machine makes of this picture, asked for as fast as they are answered. */
async function capacity(fresh: New, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let made = 0;
  const lane = async () => {
    while (performance.now() < until) {
      const answer = await fetch(fresh.next(), { headers: BROWSER });
      await answer.arrayBuffer();
      if (answer.status === 200) made += 1;
    }
  };
  await Promise.all(Array.from({ length: 4 }, lane));
  return made / seconds;
}

/** ms until a new picture is made as it was asked for, once the load is over. */
async function recovery(fresh: New): Promise<number> {
  const started = performance.now();
  for (;;) {
    const answer = await fetch(fresh.next(), { headers: BROWSER });
    await answer.arrayBuffer();
    const isDegraded = answer.headers.get('x-image-warning')?.includes('degraded');
    if (answer.status === 200 && !isDegraded) return performance.now() - started;
    await sleep(20);
  }
}

interface Contest {
  readonly program: Program;
  readonly control: Control;
  readonly fresh: New;
}

/** The server itself, of those that `npm start` runs. */
function serverOf({ pid }: Program): number {
  const found = childrenOf(pid).find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').endsWith('\0server\0'),
  );
  if (found === undefined) throw new Error('npm start runs no server.');
  return found;
}

async function round({ program, control, fresh }: Contest, seconds: number): Promise<Round> {
  const pace = { perSecond: HITS_PER_SECOND, seconds };
  const hits = () => askHits(`${fresh.base}${HIT}`, pace);
  const idle = await hits();
  const made = await capacity(fresh, Math.min(seconds, 10));
  const load = { perSecond: TIMES_TOO_MANY * made, seconds };
  const bare = await control.round(HIT, pace, load);
  let peakMb = 0;
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, program.rssMb());
  }, 500);
  const from = fresh.take(Math.round(load.perSecond * seconds));
  const sharesOf = watchMachine(program.pid, serverOf(program));
  const started = performance.now();
  const [cold, beside] = await Promise.all([askNew(fresh.base, from, load), hits()]);
  const shares = sharesOf();
  clearInterval(watch);
  const answered = cold.statuses.filter((status) => status === 200).length;
  const kept = (answered * 1000) / (performance.now() - started) / made;
  return { idle, beside, bare, cold, kept, shares, recoveryMs: await recovery(fresh), peakMb };
}

/** What was refused so far, by the server's own account. */
async function refusals({ port }: Program): Promise<{ ms: number; count: number }> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const figure = (name: string) =>
    Number(
      new RegExp(`^rendition_request_seconds_${name}\\{tier="none"\\} (\\S+)`, 'm').exec(metrics)?.[1] ?? 0,
    );
  return { ms: figure('sum') * 1000, count: figure('count') };
}

/** A page of new pictures, all of them at once. */
async function page({ port }: Program, width: number): Promise<Page> {
  const started = performance.now();
  const answers = await Promise.all(
    Array.from({ length: PAGE_PICTURES }, async (_, index) => {
      const url = `http://127.0.0.1:${port}/img/page-${index}.jpg?w=${width}`;
      const answer = await fetch(url, { headers: BROWSER });
      await answer.arrayBuffer();
      return answer.status;
    }),
  );
  const whole = answers.filter((status) => status === 200).length;
  return { wanted: PAGE_PICTURES, whole, ms: performance.now() - started };
}

/** One original that all rounds ask for, and one for each picture of a page. */
async function fill(): Promise<string> {
  const folder = await storeWithSample();
  const originals = await FileObjects.open(join(folder, 'originals'));
  const photo = await readFile(SAMPLE);
  for (let index = 0; index < PAGE_PICTURES; index++)
    await originals.put(`page-${index}.jpg`, photo, { contentType: 'image/jpeg' });
  return folder;
}

/**
 * Memory hits while four times as many new pictures are asked for as can be made, and beside the same load on a server
 * that does nothing but send bytes: what the machine adds by itself. Hits and load come from a process each, since one
 * that does both waits for itself.
 *
 * @param seconds  of each part of five rounds
 */
export async function overload(seconds: number): Promise<Row[]> {
  const folder = await fill();
  const program = await startRendition({ DATA_DIR: folder, ...UNCHANGING });
  const fresh = new New(program);
  await (await fetch(`${fresh.base}${HIT}`)).arrayBuffer();
  const pages = [await page(program, 400), await page(program, 420), await page(program, 440)];
  await capacity(fresh, 2);
  const control = await Control.start(`${fresh.base}${HIT}`);
  const before = await refusals(program);
  const rounds: Round[] = [];
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round({ program, control, fresh }, seconds));
  const after = await refusals(program);
  const refusedMs = (after.ms - before.ms) / Math.max(1, after.count - before.count);
  await Promise.all([program.stop(), control.stop()]);
  return rowsOf({ rounds, pages, refusedMs });
}
