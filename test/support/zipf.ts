/**
 * Draws from 0 to `count - 1`, the n-th of which comes 1 / n as often as the first.
 *
 * @param random  0 to 1
 */
export function zipf(count: number, random: () => number): () => number {
  const bounds: number[] = [];
  let total = 0;
  for (let n = 1; n <= count; n++) {
    total += 1 / n;
    bounds.push(total);
  }
  return () => {
    const drawn = random() * total;
    return bounds.findIndex((bound) => bound > drawn);
  };
}
