import type { Lossy } from './contestants.ts';
import { type Likeness, STAND_IN } from './likeness.ts';
import {
  atMost,
  deviation,
  geometricMean,
  type Measured,
  mean,
  type Plot,
  shown,
  standing,
  type Table,
  type Target,
} from './part.ts';

export interface Figures {
  readonly format: Lossy;
  /** Of each photograph. */
  readonly likeness: readonly Likeness[];
  /** CPU ms a picture, by name. */
  readonly cpu: Readonly<Record<string, number>>;
  /** The median of the rounds' own ratios. */
  readonly against: (name: string, other: string) => number;
}

const NAMES = { webp: 'WebP', jpeg: 'JPEG', avif: 'AVIF' } as const;
/** A first answer takes at most this of imgproxy's CPU. */
const FIRST_CPU = { webp: 0.8, jpeg: 1.1, avif: 0.6 } as const;
const ISOLATED = 1.04;
const MORE_BYTES = 1.08;

type Side = 'asFirst' | 'asLater';

/** Bytes of ours against those of another at the same look; the mean of all photographs. */
const weight = ({ likeness }: Figures, name: string, side: Side): number =>
  geometricMean(
    likeness.map(({ first, later, others }) => {
      const ours = side === 'asFirst' ? first : later;
      return ours.bytes / (others[name]?.[side] ?? Number.NaN);
    }),
  );

const othersOf = ({ likeness }: Figures): string[] => Object.keys(likeness[0]?.others ?? {});

function cpuTable(figures: Figures): Table {
  const { format, likeness, cpu, against } = figures;
  const scored = (pick: (one: Likeness) => { bytes: number; score: number } | undefined) => {
    const found = likeness.map(pick).filter((one) => one !== undefined);
    const scores = found.map(({ score }) => score);
    return [
      (mean(found.map(({ bytes }) => bytes)) / 1000).toFixed(1),
      `${mean(scores).toFixed(1)} ± ${deviation(scores).toFixed(1)}`,
    ];
  };
  const rows = [
    ['Rendition', shown(cpu['Rendition'] ?? Number.NaN), '-', ...scored(({ first }) => first), '-'],
    [
      'Rendition, warmer',
      shown(cpu['Rendition, warmer'] ?? Number.NaN),
      '-',
      ...scored(({ later }) => later),
      '-',
    ],
    [
      'bare sharp',
      shown(cpu['bare sharp'] ?? Number.NaN),
      standing(against('Rendition', 'bare sharp'), 1, 'less'),
      '-',
      '-',
      '-',
    ],
    ...othersOf(figures).map((name) => [
      name,
      shown(cpu[name] ?? Number.NaN),
      standing(against('Rendition', name), 1, 'less'),
      ...scored(({ others }) => others[name]?.byDefault),
      `${standing(weight(figures, name, 'asFirst'), 1, 'less')}; ${standing(weight(figures, name, 'asLater'), 1, 'less')}`,
    ]),
  ];
  return {
    title: `### Cold ${NAMES[format]}, w=800`,
    head: [
      'who',
      'CPU ms a picture',
      'our CPU against it',
      'kB by default',
      'SSIMULACRA2 by default',
      'our bytes at the same SSIMULACRA2: first answer; after the upgrade',
    ],
    rows,
  };
}

function targets(figures: Figures): Target[] {
  const { format, against, cpu } = figures;
  const name = NAMES[format];
  const isThere = othersOf(figures).includes('imgproxy');
  // What imgproxy asks libvips for is a part of what it takes: who is below that share is below it.
  const other = isThere ? 'imgproxy' : STAND_IN;
  const both =
    ((cpu['Rendition'] ?? Number.NaN) + (cpu['Rendition, warmer'] ?? Number.NaN)) /
    (cpu[other] ?? Number.NaN);
  return [
    atMost(`cold ${name}, CPU against bare sharp`, ISOLATED, against('Rendition', 'bare sharp')),
    atMost(`first ${name}, CPU against ${other}`, FIRST_CPU[format], against('Rendition', other)),
    atMost(
      `first ${name}, bytes at equal SSIMULACRA2 against ${other}`,
      MORE_BYTES,
      weight(figures, other, 'asFirst'),
    ),
    atMost(
      `upgraded ${name}, bytes at equal SSIMULACRA2 against ${other} (CPU of both together ${shown(both)} x)`,
      1,
      weight(figures, other, 'asLater'),
    ),
  ];
}

const plotOf = ({ format, cpu }: Figures): Plot => ({
  name: `cold-${format}`,
  title: `Cold ${NAMES[format]}, w=800: CPU ms a picture`,
  bars: Object.entries(cpu).map(([label, value]) => ({ label, value })),
});

export function coldTables(all: readonly Figures[]): Measured {
  return {
    tables: all.map(cpuTable),
    targets: all.flatMap(targets),
    plots: all.map(plotOf),
    notes: [
      `All photographs of the repository, one after the other, once the server has made a thousand small pictures. Ours is what a request gets, isolation and storing included; "warmer" is the same URL with \`effort=small\`, which is what takes its place later. The others are asked for the quality at which each photograph looks like our first answer. "${STAND_IN}" is no server: what its encoders alone cost.`,
    ],
  };
}
