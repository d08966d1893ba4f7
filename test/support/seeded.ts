/** A small generator with a seed (mulberry32), so that a failure can be had again; 0 to 1. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The seed of a long run: another one each day, or SEED, so that a failure can be had again. */
export const seedOfRun = (): number =>
  Number(process.env['SEED'] ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''));
