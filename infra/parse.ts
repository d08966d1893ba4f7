/** Reads one value of `stages.json` or the environment; throws the text that the operator sees. */
export type Parse<T> = (value: unknown) => T;

function refuse(expected: string): never {
  throw new Error(`expected ${expected}`);
}

/** Text that matches `pattern`; `expected` completes the sentence "expected …". */
export function text(pattern: RegExp, expected: string): Parse<string> {
  return (value) => (typeof value === 'string' && pattern.test(value) ? value : refuse(expected));
}

/** As `text`, but empty means "not wanted". */
export function optional(pattern: RegExp, expected: string): Parse<string> {
  const filled = text(pattern, expected);
  return (value) => (value === '' ? '' : filled(value));
}

/** One of `choices`. */
export function choice<const T extends string>(choices: readonly T[]): Parse<T> {
  return (value) => choices.find((one) => one === value) ?? refuse(`one of ${choices.join(', ')}`);
}

/** A whole number from `min` to `max`; the environment gives it as text. */
export function integer(min: number, max: number): Parse<number> {
  return (value) => {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    const inside = typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max;
    return inside ? number : refuse(`a whole number from ${min} to ${max}`);
  };
}

export const flag: Parse<boolean> = (value) => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  return refuse('true or false');
};

/** A list whose members each match; the environment gives it separated by commas. */
export function list(member: RegExp, expected: string): Parse<string[]> {
  return (value) => {
    const members: unknown = typeof value === 'string' ? value.split(',').filter(Boolean) : value;
    const fits = (one: unknown): one is string => typeof one === 'string' && member.test(one);
    return Array.isArray(members) && members.every(fits) ? members : refuse(`a list of ${expected}`);
  };
}

/** Names and values handed to the programs as they are; the programs validate them. */
export const variables: Parse<Record<string, string>> = (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('an object of texts');
  const rows = Object.entries(value).map(([name, one]): [string, string] => {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name) || typeof one !== 'string') return refuse('NAME: "text" pairs');
    return [name, one];
  });
  return Object.fromEntries(rows);
};
