import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { start } from './child.ts';
import { storeWithSample } from './hits.ts';
import { median, type Row, ratio } from './stats.ts';

const DRAWING = new URL('../test/corpus/files/svg/slow-filter.svg', import.meta.url);
/** One is drawn, the others wait. */
const DRAWINGS = 17;
const ROUNDS = 4;
const PICTURES = 8;

interface Lap {
  readonly ms: number[];
  refused: number;
}

/** Cold renders of a photograph, one after the other; each round has widths of its own. */
async function renderCold(base: string, width: number, lap: Lap): Promise<void> {
  for (let index = 0; index < PICTURES; index++) {
    const before = performance.now();
    const answer = await fetch(`${base}/img/ladybug.jpg?w=${width + index * 2}&fmt=jpeg`);
    await answer.arrayBuffer();
    if (answer.status === 200) lap.ms.push(performance.now() - before);
    else lap.refused += 1;
  }
}

/** Waits until all but the one that is drawn are in the queue. */
async function untilWaiting(base: string): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${base}/metrics`)).text();
    const waiting = /^rendition_render_waiting (\d+)/m.exec(metrics)?.[1];
    if (Number(waiting) >= DRAWINGS - 1) return;
    await sleep(20);
  }
}

/**
 * Cold JPEGs while sixteen slow drawings wait, in turns with the same alone: medians, and how many were refused.
 * The drawings leave before each turn alone.
 */
export async function slowDrawings(): Promise<Row[]> {
  const folder = await storeWithSample();
  const env = { DATA_DIR: folder, RENDER_SLOTS: '2', SVG_MS: '60000', QUEUE_MS: '60000' };
  const stores = await openStores(loadConfig(env));
  const drawing = await readFile(DRAWING);
  for (let number = 0; number < DRAWINGS; number++)
    await stores.originals.put(`slow-${number}.svg`, drawing, { contentType: 'image/svg+xml' });
  const server = await start('./rendition-server.ts', env);
  const base = `http://127.0.0.1:${server.port}`;
  const [alone, beside]: [Lap, Lap] = [
    { ms: [], refused: 0 },
    { ms: [], refused: 0 },
  ];
  await renderCold(base, 100, { ms: [], refused: 0 });
  for (let round = 1; round <= ROUNDS; round++) {
    await renderCold(base, 100 + round * 100, alone);
    const leave = new AbortController();
    const drawings = Array.from({ length: DRAWINGS }, (_, number) =>
      fetch(`${base}/img/slow-${number}.svg?w=${3000 + round}&fmt=png`, { signal: leave.signal }).catch(
        () => undefined,
      ),
    );
    await untilWaiting(base);
    await renderCold(base, 101 + round * 100, beside);
    leave.abort();
    await Promise.all(drawings);
  }
  await server.stop();
  stores.close();
  const [own, shared] = [median(alone.ms), median(beside.ms)];
  return [
    { what: 'cold JPEG alone', figure: `median ${own.toFixed(1)} ms` },
    {
      what: `the same while ${DRAWINGS - 1} slow drawings wait`,
      figure: `median ${shared.toFixed(1)} ms, ${ratio(shared / own)} alone; ${beside.refused} of ${PICTURES * ROUNDS} refused`,
      budget: '1.3 x, none refused',
    },
  ];
}
