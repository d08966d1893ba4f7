const LANES = 10;

/**
 * Does `work` for every item, ten at a time. One that fails holds none of the others back, which go on.
 *
 * @returns  in the order of the items
 * @throws   the reason of the first that failed
 */
export async function inLanes<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const rest = items.entries();
  const lanes = Array.from({ length: LANES }, async () => {
    for (const [index, item] of rest) results[index] = await work(item);
  });
  await Promise.all(lanes);
  return results;
}
