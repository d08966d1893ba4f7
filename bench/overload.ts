import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileObjects } from '../server/stores/files/objects.ts';
import { storeWithSample } from './hits.ts';
import { type Paced, paced } from './paced.ts';
import { type Program, startRendition } from './program.ts';
import { median, quantile, type Row, ratio } from './stats.ts';

const SAMPLE = new URL('../samples/ladybug.jpg', import.meta.url);
const HIT = '/img/ladybug.jpg?w=480&fmt=webp';
const HITS_PER_SECOND = 100;
const TIMES_TOO_MANY = 4;
const ROUNDS = 5;
/** As a browser says it. */
const BROWSER = { accept: 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8' };
const PAGE_PICTURES = 60;

/** Addresses of pictures that nobody has asked for, one after the other. */
class New {
  #count = 0;
  readonly #base: string;

  constructor({ port }: Program) {
    this.#base = `http://127.0.0.1:${port}`;
  }

  next(): string {
    this.#count += 1;
    // Enough for five rounds of a minute.
    const [width, quality] = [200 + (this.#count % 1000), 20 + Math.floor(this.#count / 1000)];
    return `${this.#base}/img/ladybug.jpg?w=${width}&q=${quality}`;
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

interface Round {
  readonly idle: Paced;
  readonly beside: Paced;
  readonly cold: Paced;
  readonly kept: number;
  readonly recoveryMs: number;
  readonly peakMb: number;
}

const p99 = ({ ms }: Paced): number => quantile(ms, 0.99);
const share = ({ statuses }: Paced, status: number): number =>
  statuses.filter((found) => found === status).length / statuses.length;

async function round(program: Program, fresh: New, seconds: number): Promise<Round> {
  const hits = () =>
    paced(() => `http://127.0.0.1:${program.port}${HIT}`, { perSecond: HITS_PER_SECOND, seconds });
  const idle = await hits();
  const made = await capacity(fresh, Math.min(seconds, 10));
  let peakMb = 0;
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, program.rssMb());
  }, 500);
  const load = { perSecond: TIMES_TOO_MANY * made, seconds, headers: BROWSER };
  const started = performance.now();
  const [cold, beside] = await Promise.all([paced(() => fresh.next(), load), hits()]);
  const took = (performance.now() - started) / 1000;
  clearInterval(watch);
  const answered = cold.statuses.filter((status) => status === 200).length;
  return { idle, beside, cold, kept: answered / took / made, recoveryMs: await recovery(fresh), peakMb };
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

/** A page of new pictures, all of them at once: how many came, and when the last one was there. */
async function page({ port }: Program, width: number): Promise<{ whole: number; ms: number }> {
  const started = performance.now();
  const answers = await Promise.all(
    Array.from({ length: PAGE_PICTURES }, async (_, index) => {
      const url = `http://127.0.0.1:${port}/img/page-${index}.jpg?w=${width}`;
      const answer = await fetch(url, { headers: BROWSER });
      await answer.arrayBuffer();
      return answer.status;
    }),
  );
  return { whole: answers.filter((status) => status === 200).length, ms: performance.now() - started };
}

/**
 * Memory hits while four times as many new pictures are asked for as can be made.
 *
 * @param seconds  of each of five rounds
 */
export async function overload(seconds: number): Promise<Row[]> {
  const folder = await storeWithSample();
  const originals = await FileObjects.open(join(folder, 'originals'));
  const photo = await readFile(SAMPLE);
  for (let index = 0; index < PAGE_PICTURES; index++)
    await originals.put(`page-${index}.jpg`, photo, { contentType: 'image/jpeg' });
  const program = await startRendition({ DATA_DIR: folder });
  const fresh = new New(program);
  await (await fetch(`http://127.0.0.1:${program.port}${HIT}`)).arrayBuffer();
  const pages = [await page(program, 400), await page(program, 420), await page(program, 440)];
  await capacity(fresh, 2);
  const before = await refusals(program);
  const rounds: Round[] = [];
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(program, fresh, seconds));
  const after = await refusals(program);
  const refusedMs = (after.ms - before.ms) / Math.max(1, after.count - before.count);
  await program.stop();
  await rm(folder, { recursive: true, force: true });
  return rows(rounds, pages, refusedMs);
}

function rows(rounds: readonly Round[], pages: Awaited<ReturnType<typeof page>>[], refusedMs: number): Row[] {
  const over = (figure: (round: Round) => number) => median(rounds.map(figure));
  const idle = `${over(({ idle }) => p99(idle)).toFixed(1)} ms idle`;
  const whole = pages.map((found) => found.whole).join(', ');
  return [
    {
      what: `p99 of hits at ${TIMES_TOO_MANY} times too many renders, median of ${ROUNDS}`,
      figure: `${ratio(over((found) => p99(found.beside) / p99(found.idle)))} (${idle})`,
      budget: '<= 2 x',
    },
    {
      what: 'hits that were served',
      figure: over(({ beside }) => share(beside, 200)).toFixed(3),
      budget: '1',
    },
    { what: 'renders, to those alone', figure: ratio(over(({ kept }) => kept)), budget: '>= 0.95 x' },
    {
      what: 'refused',
      figure: `${(100 * over(({ cold }) => share(cold, 503))).toFixed(0)} %, ${refusedMs.toFixed(2)} ms each`,
    },
    {
      what: 'other answers',
      figure: over(({ cold }) => 1 - share(cold, 200) - share(cold, 503)).toFixed(3),
      budget: '0',
    },
    {
      what: 'until a new picture is made as asked for',
      figure: `${over(({ recoveryMs }) => recoveryMs).toFixed(0)} ms`,
      budget: '<= 1000 ms',
    },
    { what: 'memory of all processes, peak', figure: `${over(({ peakMb }) => peakMb).toFixed(0)} MB` },
    {
      what: `a page of ${PAGE_PICTURES} new pictures, three times`,
      figure: `${whole} answered; ${pages.map(({ ms }) => (ms / 1000).toFixed(1)).join(', ')} s`,
      budget: `${PAGE_PICTURES} each`,
    },
  ];
}
