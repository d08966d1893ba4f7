import { join } from 'node:path';
import { Demand } from '../server/reading/demand.ts';
import { openSqlite } from '../server/stores/sqlite/open.ts';
import type { Records } from '../server/stores/stores.ts';
import { WarmSets } from '../server/warming/warm-set.ts';
import { seeded } from '../test/support/seeded.ts';
import { zipf } from '../test/support/zipf.ts';
import { runFolder } from './folders.ts';
import type { Row } from './stats.ts';

const REQUESTS = 100_000;
const IMAGES = 5_000;
const FORMS = 40;
const NEXT_IMAGES = 500;
/** Of a log that ends with as many requests of each picture as the one before has. */
const REQUESTS_OF_EACH = REQUESTS / IMAGES;
/** One of so many requests asks for a form that nobody else asks for. */
const ODD = 20;
const PROCESSES = 2;
/** Requests between two tellings. */
const MINUTE = 5_000;
const WANTED = 0.9;

export interface LearnedFigures {
  /** Forms that make up 90 % of all requests. */
  readonly wanted: readonly string[];
  /** What is warmed of the next image. */
  readonly learned: readonly string[];
  /** Different forms in the log. */
  readonly different: number;
  /** Bytes of the entry in the records. */
  readonly bytes: number;
  /** Of the first visits of the next images, those that find their picture made; without warming none does. */
  readonly hits: number;
  readonly firstVisits: number;
  /** What the report says beforehand of that share. */
  readonly foretold: number;
}

const formOf = (rank: number): string => `fmt=webp&w=${100 + 40 * rank}`;

/** A log of requests, counted by several processes that write to the same records as they do each minute. */
async function replay(progress: Records['progress'], random: () => number): Promise<Map<string, number>> {
  const draw = zipf(FORMS, random);
  const options = { progress, halfLifeDays: 7, now: Date.now, onFailure: fail };
  const processes = Array.from({ length: PROCESSES }, () => ({
    demand: new Demand(options),
    has: new Set(),
  }));
  const made = new Set<string>();
  const counts = new Map<string, number>();
  for (let request = 1; request <= REQUESTS; request++) {
    const id = `${request % 7}/image-${Math.floor(random() * IMAGES)}.jpg`;
    const form = request % ODD === 0 ? `fmt=png&w=${request}` : formOf(draw());
    counts.set(form, (counts.get(form) ?? 0) + 1);
    const { demand, has } = processes[request % PROCESSES] ?? fail(new Error('No process.'));
    const tier = has.has(id + form) ? 'memory' : made.has(id + form) ? 'stored' : 'miss';
    has.add(id + form);
    made.add(id + form);
    demand.add({ id, form, tier, timings: { encode: 20 }, bytes: 10_000 });
    if (request % MINUTE === 0) for (const process of processes) await process.demand.flush();
  }
  return counts;
}

function fail(error: unknown): never {
  throw error;
}

/** The forms that come first in the order of how often, until they make up 90 % of those that are no odd ones. */
function wantedOf(counts: ReadonlyMap<string, number>): string[] {
  const regular = [...counts].filter(([form]) => form.startsWith('fmt=webp')).sort(([, a], [, b]) => b - a);
  const total = regular.reduce((sum, [, count]) => sum + count, 0);
  let sum = 0;
  return regular.flatMap(([form, count]) => {
    const isWanted = sum < WANTED * total;
    sum += count;
    return isWanted ? [form] : [];
  });
}

/** A replayed log of 100,000 requests for 5,000 images, and what images that come after it are warmed in. */
export async function learnedFigures(): Promise<LearnedFigures> {
  const folder = runFolder();
  const { records, close } = openSqlite(join(folder, 'records.sqlite'), { maxReceives: 5 });
  try {
    const random = seeded(1);
    const counts = await replay(records.progress, random);
    const warmSets = new WarmSets({
      progress: records.progress,
      fixed: [],
      isLearned: true,
      leastShare: 0.005,
      mostForms: 32,
      halfLifeDays: 7,
      isBehindEdge: false,
      isServed: () => true,
      now: Date.now,
    });
    const learned = await warmSets.formsFor('another.jpg');
    const draw = zipf(FORMS, random);
    let [firstVisits, hits] = [0, 0];
    for (let image = 0; image < NEXT_IMAGES; image++) {
      const visited = new Set(Array.from({ length: REQUESTS_OF_EACH }, () => formOf(draw())));
      firstVisits += visited.size;
      hits += [...visited].filter((form) => learned.includes(form)).length;
    }
    return {
      wanted: wantedOf(counts),
      learned,
      different: counts.size,
      bytes: (await records.progress.get('demand'))?.length ?? 0,
      hits,
      firstVisits,
      foretold: (await warmSets.report()).saves.share,
    };
  } finally {
    close();
  }
}

export async function learned(): Promise<Row[]> {
  const figures = await learnedFigures();
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const found = figures.wanted.filter((form) => figures.learned.includes(form)).length;
  return [
    {
      what: `forms that make up 90 % of ${REQUESTS.toLocaleString('en-US')} requests, found among ${figures.different.toLocaleString('en-US')}`,
      figure: `${found} of ${figures.wanted.length}, of ${figures.learned.length} learned; ${figures.bytes} bytes in the records`,
      budget: 'all',
    },
    { what: 'first visits of new images that find their picture made, without', figure: percent(0) },
    {
      what: 'the same with WARM_DEFAULTS=learned',
      figure: `${percent(figures.hits / figures.firstVisits)}, foretold ${percent(figures.foretold)}`,
    },
  ];
}
