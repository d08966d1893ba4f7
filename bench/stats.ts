export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Of an even number of values, the middle between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** One line of the report: what, the figure, the budget it is held against. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly budget?: string;
}

export const ratio = (value: number): string => `${value.toFixed(3)} x`;

export function print(title: string, rows: readonly Row[]): void {
  const wide = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.map(
    ({ what, figure, budget }) => `  ${what.padEnd(wide)}  ${figure}${budget ? `   (budget ${budget})` : ''}`,
  );
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`);
}
