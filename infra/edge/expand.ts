// [edge-safe] Undoes squeeze.ts.

/** Characters, and the phrases that they stand for in the same order. A phrase may have marks that stand before its own. */
export type Dictionary = readonly [marks: string, phrases: readonly string[]];

export function expand(dictionary: Dictionary, text: string): string {
  let out = text;
  for (let i = dictionary[0].length - 1; i >= 0; i--) {
    // Searching and splitting are the engine's own work; a loop over characters takes ten times as long there.
    const mark = dictionary[0].charAt(i);
    if (out.indexOf(mark) >= 0) out = out.split(mark).join(dictionary[1][i]);
  }
  return out;
}
