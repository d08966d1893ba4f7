import fc from 'fast-check';
import { readQuery, readTransformation } from '../../server/core/operations/transformation.ts';
import type { Source } from '../../server/core/original/source.ts';
import { makePlan } from '../../server/core/plan/plan.ts';
import { openOriginal } from '../../server/core/render/render.ts';
import { isProblem } from '../../server/shared/errors.ts';
import { corpus } from '../support/corpus.ts';
import { LIMITS } from '../support/pictures.ts';
import { given, queryOf } from '../support/queries.ts';
import { seeded } from '../support/seeded.ts';

/** What readers of addresses stumble over. */
const SPLINTERS = [
  ...['&', '=', '%', '%2', '%00', '%26', '%3D', '%c0%80', '%ED%A0%80', '%25', '+', ';', '#', '?', '/', '..'],
  ...[',', ':', '.', '-', '0', '1e9', 'NaN', 'Infinity', '99999999999999999999', '0x10', '-0', '1.', '.5'],
  ...['__proto__=1', 'constructor=a', 'toString', 'p=constructor', 'sig=', 'kid=a', 'exp=1', 'w=1&w=2'],
  ...['dpr=3', 'fmt=auto', 'q=auto', '\u0000', '\u00e9', '\u202e', '\ud800', '\uffff', ' ', '\t', '\r\n'],
];

const PRESETS = { $card: [['w', '400']], $constructor: [['h', '20']] } as const;

/** Of each kind that plans differ for. */
const ORIGINALS = [
  'samples/transparency-demo.png',
  'exif/landscape-6.jpg',
  'animated/red-blue.gif',
  'formats/kodim23.avif',
];

/** A query is refused because of what it says, or what it says of an original cannot be done. */
const REFUSALS = [400, 414, 422];

/** Of queries that are drawn at once. */
const BATCH = 5000;

export interface QueryReport {
  readonly read: number;
  readonly refused: number;
  readonly planned: number;
  readonly faults: readonly string[];
}

/** Queries that a grammar takes, half of them with some bytes that it does not. */
export function* queries(count: number, seed: number): Generator<string> {
  const random = seeded(seed);
  for (let drawn = 0; drawn < count; drawn += BATCH) {
    const parameters = { numRuns: Math.min(BATCH, count - drawn), seed: seed + drawn };
    for (const pairs of fc.sample(given, parameters)) {
      const query = queryOf(pairs);
      yield random() < 0.5 ? query : damaged(query, random);
    }
  }
}

function damaged(query: string, random: () => number): string {
  let text = query;
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    const [start, length] = [Math.floor(random() * (text.length + 1)), Math.floor(random() * 6)];
    const [before, part, after] = [
      text.slice(0, start),
      text.slice(start, start + length),
      text.slice(start + length),
    ];
    const splinter = SPLINTERS[Math.floor(random() * SPLINTERS.length)] ?? '';
    const spellings = [
      `${before}${splinter}${part}${after}`,
      before + after,
      `${before}${part}${part}${after}`,
      `${before}${part.toUpperCase()}${after}`,
      `${after}&${before}${part}`,
      before + splinter.repeat(Math.floor(random() * 400)) + after,
    ];
    text = spellings[Math.floor(random() * spellings.length)] ?? text;
  }
  return text;
}

/** Reads and plans queries; each is understood or refused by its reason, and what is understood is so in one way. */
export async function fuzzQueries(count: number, seed: number): Promise<QueryReport> {
  const opened = await Promise.all(ORIGINALS.map(async (file) => openOriginal(await corpus(file))));
  const report = { read: 0, refused: 0, planned: 0, faults: [] as string[] };
  let turn = 0;
  for (const query of queries(count, seed)) {
    const { source } = opened[turn++ % opened.length] ?? {};
    const fault = source && look(query, source, report);
    if (fault && report.faults.length < 20) report.faults.push(`${JSON.stringify(query)}: ${fault}`);
  }
  return report;
}

type Counts = { read: number; refused: number; planned: number };

function look(query: string, source: Source, counts: Counts): string | undefined {
  const form = refusedOr(() => readQuery(query, PRESETS));
  if ('fault' in form) return form.fault;
  if ('refusal' in form) {
    counts.refused += 1;
    return undefined;
  }
  counts.read += 1;
  const { canonical } = form.value;
  const again = refusedOr(() => readQuery(canonical, {}).canonical);
  if (!('value' in again) || again.value !== canonical)
    return `${canonical} is read as ${JSON.stringify(again)}`;
  const plan = refusedOr(() =>
    makePlan(source, readTransformation(canonical), { priority: 'live', limits: LIMITS }),
  );
  if ('value' in plan) counts.planned += 1;
  return 'fault' in plan ? plan.fault : undefined;
}

function refusedOr<T>(work: () => T): { value: T } | { refusal: string } | { fault: string } {
  try {
    return { value: work() };
  } catch (error) {
    if (!isProblem(error)) return { fault: `threw ${error instanceof Error ? error.stack : error}` };
    return REFUSALS.includes(error.status)
      ? { refusal: error.code }
      : { fault: `was refused with ${error.status} ${error.code}` };
  }
}
