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

const seedOfEnvironment = (): number | undefined =>
  process.env['SEED'] === undefined ? undefined : Number(process.env['SEED']);

/** The seed of a long test: the same each day, so that CI tells of a change and not of the date; SEED is another. */
export const seedOfRun = (): number => seedOfEnvironment() ?? 3;

/** The seed of what runs at night: another one each day, or SEED, so that a failure can be had again. */
export const seedOfDay = (): number =>
  seedOfEnvironment() ?? Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''));
