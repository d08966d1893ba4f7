/** Bounds of an LRU cache by its entries. It takes memory as it fills: `max` takes all of it at once, 24 bytes for each. */
export const atMost = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 });
