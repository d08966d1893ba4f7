let isWhole = false;

/** From here on matrices are whole: for the long form. */
export function wholeMatrices(): void {
  isWhole = true;
}

/** What is tried in the short form of the tests, or how often; and in the long one. */
export const times = <T>(short: T, long: T): T => (isWhole ? long : short);

/**
 * For the short form, which has a diagonal of what the long form has whole: one of `every` items, others at each call.
 * In nested loops every item so meets most of those of the other loops.
 */
export function sampler(): <T>(items: readonly T[], every?: number) => readonly T[] {
  let turn = 0;
  return (items, every = items.length) => {
    turn += 1;
    return isWhole ? items : items.filter((_item, index) => (index + turn) % every === 0);
  };
}
