import type { Shares } from './machine.ts';
import type { Bare } from './overload-control.ts';
import type { Paced } from './paced.ts';
import { median, quantile, type Row, ratio } from './stats.ts';

export const HITS_PER_SECOND = 100;
export const TIMES_TOO_MANY = 4;
export const ROUNDS = 5;

export interface Round {
  /** ms of each hit, counted from when it was due. */
  readonly idle: readonly number[];
  readonly beside: readonly number[];
  readonly bare: Bare;
  readonly cold: Paced;
  /** Renders a second, to those without too many. */
  readonly kept: number;
  readonly shares: Shares;
  readonly recoveryMs: number;
  readonly peakMb: number;
}

/** A page of new pictures: how many came, and when the last one was there. */
export interface Page {
  readonly wanted: number;
  readonly whole: number;
  readonly ms: number;
}

export interface Overloaded {
  readonly rounds: readonly Round[];
  readonly pages: readonly Page[];
  readonly refusedMs: number;
}

const p99 = (ms: readonly number[]): number => quantile(ms, 0.99);
const share = ({ statuses }: Paced, status: number): number =>
  statuses.filter((found) => found === status).length / statuses.length;
const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;

/** p50, p99 and p99.9 of all rounds. */
const spread = (ms: readonly (readonly number[])[]): string =>
  [0.5, 0.99, 0.999].map((part) => quantile(ms.flat(), part).toFixed(2)).join(' / ');

function hitRows(rounds: readonly Round[]): Row[] {
  const over = (figure: (round: Round) => number) => median(rounds.map(figure));
  const of = (ms: (round: Round) => readonly number[]) => spread(rounds.map(ms));
  return [
    {
      what: `p99 of hits at ${TIMES_TOO_MANY} times too many renders to that of none, median of ${ROUNDS}`,
      figure: ratio(over(({ idle, beside }) => p99(beside) / p99(idle))),
      budget: '<= 2 x',
    },
    {
      what: 'the same of bare node:http beside busy sharp processes',
      figure: ratio(over(({ bare }) => p99(bare.beside) / p99(bare.idle))),
    },
    {
      what: 'p99 beside renders, to that of bare beside busy sharp processes',
      figure: ratio(over(({ beside, bare }) => p99(beside) / p99(bare.beside))),
    },
    {
      what: 'p50 / p99 / p99.9 in ms, alone and beside renders',
      figure: `${of(({ idle }) => idle)} and ${of(({ beside }) => beside)}`,
    },
    {
      what: 'the same of bare',
      figure: `${of(({ bare }) => bare.idle)} and ${of(({ bare }) => bare.beside)}`,
    },
  ];
}

function machineRows(rounds: readonly Round[]): Row[] {
  const over = (figure: (shares: Shares) => number) =>
    percent(median(rounds.map(({ shares }) => figure(shares))));
  return [
    {
      what: 'share of the machine meanwhile',
      figure: `${over(({ program }) => program)}, askers ${over(({ askers }) => askers)}, others ${over(({ others }) => others)}`,
    },
    {
      what: "the server's main thread meanwhile",
      figure: `at work ${over(({ mainAtWork }) => mainAtWork)}, waiting for a core ${over(({ mainWaiting }) => mainWaiting)}`,
    },
  ];
}

export function rowsOf({ rounds, pages, refusedMs }: Overloaded): Row[] {
  const over = (figure: (round: Round) => number) => median(rounds.map(figure));
  const [{ wanted } = { wanted: 0 }] = pages;
  return [
    ...hitRows(rounds),
    ...machineRows(rounds),
    { what: 'renders, to those alone', figure: ratio(over(({ kept }) => kept)), budget: '>= 0.95 x' },
    {
      what: 'refused',
      figure: `${percent(over(({ cold }) => share(cold, 503)))}, ${refusedMs.toFixed(2)} ms each`,
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
      what: `a page of ${wanted} new pictures, three times`,
      figure: `${pages.map(({ whole }) => whole).join(', ')} answered; ${pages.map(({ ms }) => (ms / 1000).toFixed(1)).join(', ')} s`,
      budget: `${wanted} each`,
    },
  ];
}
