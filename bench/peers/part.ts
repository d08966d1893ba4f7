/** What is promised, and what came out. */
export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly figure: string;
  /** Undefined: not measured, since something was not there. */
  readonly isMet: boolean | undefined;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
}

export interface Plot {
  /** Of the file. */
  readonly name: string;
  readonly title: string;
  readonly bars: ReadonlyArray<{ readonly label: string; readonly value: number }>;
}

/** What a part of the report says. */
export interface Measured {
  readonly tables: readonly Table[];
  readonly targets: readonly Target[];
  readonly plots?: readonly Plot[];
  readonly notes?: readonly string[];
}

export interface Part {
  readonly title: string;
  readonly run: () => Promise<Measured>;
}

export const atMost = (what: string, most: number, value: number, unit = ' x'): Target => ({
  what,
  wanted: `<= ${most}${unit}`,
  figure: Number.isNaN(value) ? 'not measured' : `${shown(value)}${unit}`,
  isMet: Number.isNaN(value) ? undefined : value <= most,
});

export const atLeast = (what: string, least: number, value: number, unit = ' x'): Target => ({
  what,
  wanted: `>= ${least}${unit}`,
  figure: Number.isNaN(value) ? 'not measured' : `${shown(value)}${unit}`,
  isMet: Number.isNaN(value) ? undefined : value >= least,
});

/** Three digits that count. */
export const shown = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);

/** How ours stands to another's, and in words where it is worse. */
export function standing(ours: number, theirs: number, better: 'more' | 'less'): string {
  const against = ours / theirs;
  if (Number.isNaN(against)) return '-';
  const isBehind = better === 'more' ? against < 0.99 : against > 1.01;
  return `${shown(against)} x${isBehind ? ' **we lose**' : ''}`;
}

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
