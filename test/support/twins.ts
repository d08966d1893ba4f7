import type { Pairs } from '../../server/core/query/rule.ts';
import {
  alike,
  keyOf,
  plainForm,
  print,
  type Source,
  show,
  tinyMark,
  tinySources,
  VALUES,
} from './one-picture.ts';
import { drawn } from './pictures.ts';

export interface Finding {
  readonly kind: 'one key for two pictures' | 'two keys for one picture';
  readonly queries: readonly string[];
}

const queryOf = (pairs: Pairs): string => pairs.map(([key, value]) => `${key}=${value}`).join('&');

/** Holds pictures against keys, over all queries that it is shown. */
export class Twins {
  readonly findings: Finding[] = [];
  readonly #sources: readonly Source[];
  /** Others of the same kinds: two pictures of a few pixels may be equal by chance. */
  readonly #more: readonly Source[];
  readonly #mark: Buffer;
  readonly #keys = new Map<string, string>();
  readonly #seen = new Set<string>();

  constructor(sources: readonly Source[], more: readonly Source[], mark: Buffer) {
    this.#sources = sources;
    this.#more = more;
    this.#mark = mark;
  }

  static async open(): Promise<Twins> {
    const more = await Promise.all([2, 3, 5].map((seed) => tinySources(seed)));
    // Every level, and dark where the others are light: what is clear in one of two pictures may be white in the other.
    const levels = await drawn(160, 96, (x, y) => [x * 1.6, y * 2.6, (x + y) % 256].map(Math.floor));
    return new Twins(await tinySources(), [...more.flat(), levels], await tinyMark());
  }

  /** Queries that were looked at. */
  get count(): number {
    return this.#seen.size;
  }

  /** @param pairs  with the format settled, as it is in what is stored */
  async look(pairs: Pairs): Promise<void> {
    const query = queryOf(pairs);
    const key = keyOf(pairs);
    if (key === undefined || this.#seen.has(query)) return;
    this.#seen.add(query);
    const plain = plainForm(pairs);
    const shown = await show(key, this.#sources, this.#mark);
    if (plain !== key && !(await this.#isOne(plain, key, shown)))
      this.findings.push({ kind: 'one key for two pictures', queries: [query, key] });
    // Of `source` and `auto` it is the picture that decides what has an effect.
    if (!/fmt=(avif|webp|jpeg|png|gif)(&|$)/.test(key) || shown.some((file) => typeof file === 'string'))
      return;
    const hash = print(shown);
    const other = this.#keys.get(hash);
    if (other === undefined) this.#keys.set(hash, key);
    else if (other !== key && (await this.#isTwin(other, key)))
      this.findings.push({ kind: 'two keys for one picture', queries: [other, key] });
  }

  /** To the byte, but for a step less between two passes: shades of grey that others begin with, a median of 1 px. */
  async #isOne(plain: string, key: string, shown: Awaited<ReturnType<typeof show>>): Promise<boolean> {
    const plainly = await show(plain, this.#sources, this.#mark);
    if (print(plainly) === print(shown)) return true;
    const dropped = plain.split('&').filter((part) => !key.split('&').includes(part));
    // The last has one colour, which a level less may bring to the other side of a threshold.
    const last = /(^|&)thr=/.test(key) ? -1 : undefined;
    return (
      dropped.some((part) => part === 'gray=1' || part === 'median=1') &&
      alike(plainly.slice(0, last), shown.slice(0, last))
    );
  }

  async #isTwin(one: string, other: string): Promise<boolean> {
    return (
      print(await show(one, this.#more, this.#mark)) === print(await show(other, this.#more, this.#mark))
    );
  }
}

/** A query and its nearest neighbours: a key less, and another value, or two where they belong together. */
function neighbours(draw: () => number): Pairs[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T;
  const draws = (name: string) => pick(VALUES[name] ?? []);
  const drawn = Object.keys(VALUES).filter((name) => name === 'fmt' || draw() < 0.12);
  const pairs = drawn.map((name) => [name, draws(name)] as const);
  const isShown = ([name]: Pairs[number]) => name !== 'effort' || pairs.some(([, value]) => value === 'jpeg');
  const [chosen = 'rot', second = 'flip'] = [pick(drawn), pick(drawn)];
  const turns = ['rot', 'flip'];
  const changed = turns.includes(chosen) ? turns : [chosen, second];
  const others = changed.map((name) => [name, draws(name)] as const);
  return [
    pairs,
    pairs.filter(([name]) => name !== chosen || name === 'fmt'),
    [...pairs.filter(([name]) => !changed.includes(name)), ...others],
  ].map((list) => list.filter(isShown));
}

/**
 * Looks at pictures of random queries and of their nearest neighbours.
 *
 * @param count  queries at least
 * @param draw   0 to 1, from a seed
 */
export async function lookForTwins(count: number, draw: () => number): Promise<Twins> {
  const twins = await Twins.open();
  while (twins.count < count) for (const pairs of neighbours(draw)) await twins.look(pairs);
  return twins;
}

/** Every combination of a value of each key; '' is absence. */
export function combinations(values: Readonly<Record<string, readonly string[]>>): Pairs[] {
  let all: Pairs[] = [[]];
  for (const [key, texts] of Object.entries(values))
    all = all.flatMap((pairs) =>
      texts.map((text) => (text === '' ? pairs : [...pairs, [key, text] as const])),
    );
  return all;
}
