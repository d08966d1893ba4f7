import type { Row } from '../stats.ts';
import type { Measured, Target } from './part.ts';

/** A budget as the rows of benches have it, `<= 2 x`, and the first figure of that unit; none where it is in words. */
function target({ what, figure, budget = '' }: Row): Target[] {
  const [, sign, bound, unit = ''] = /^(<=|>=) ([\d.]+)(.*)$/.exec(budget) ?? [];
  const value = new RegExp(`([\\d.]+)${unit}`).exec(figure)?.[1];
  if (bound === undefined || value === undefined) return [];
  const isMet = sign === '<=' ? Number(value) <= Number(bound) : Number(value) >= Number(bound);
  return [{ what, wanted: budget, figure, isMet }];
}

/** The report of a bench that prints lines. */
export const measuredOf = (title: string, rows: readonly Row[]): Measured => ({
  tables: [
    {
      title: `### ${title}`,
      head: ['what', 'figure', 'wanted'],
      rows: rows.map(({ what, figure, budget }) => [what.trim(), figure, budget ?? '-']),
    },
  ],
  targets: rows.flatMap(target),
});
