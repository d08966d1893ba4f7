import { createHash } from 'node:crypto';
import type { Pairs } from '../../server/core/query/rule.ts';
import { configureSharp } from '../../server/core/sharp/configure.ts';
import type { Sample } from './one-picture.ts';
import { alike, keyOf, otherSamples, plainForm, show, tinyMark, tinySamples, VALUES } from './one-picture.ts';
import { seeded } from './seeded.ts';

export interface Finding {
  readonly kind: 'one key for two pictures' | 'two keys for one picture';
  readonly queries: readonly string[];
}

const queryOf = (pairs: Pairs): string => pairs.map(([key, value]) => `${key}=${value}`).join('&');

let originals: Promise<ConstructorParameters<typeof Twins>> | undefined;

/** Holds pictures against keys, over all queries that it is shown. */
export class Twins {
  readonly findings: Finding[] = [];
  /** The tiny ones first. */
  readonly #samples: readonly Sample[];
  readonly #tiny: number;
  readonly #mark: Buffer;
  readonly #draw = seeded(1);
  /** The key that a picture had first, by its hash. */
  readonly #keys = new Map<string, string>();
  readonly #prints = new Map<string, string>();
  readonly #seen = new Set<string>();

  constructor(tiny: readonly Sample[], others: readonly Sample[], mark: Buffer) {
    this.#samples = [...tiny, ...others];
    this.#tiny = tiny.length;
    this.#mark = mark;
  }

  static async open(): Promise<Twins> {
    configureSharp();
    originals ??= Promise.all([tinySamples(), otherSamples(), tinyMark()]);
    return new Twins(...(await originals));
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
    // One original for each query: over all of them each rule meets each.
    if (plain !== key && !(await this.#isOne(plain, key, Math.floor(this.#draw() * this.#tiny))))
      this.findings.push({ kind: 'one key for two pictures', queries: [query, key] });
    // Of `source` and `auto` it is the picture that decides what has an effect.
    if (!/fmt=(avif|webp|jpeg|png|gif)(&|$)/.test(key)) return;
    const hash = await this.#first(key);
    if (hash === undefined) return;
    const other = this.#keys.get(hash);
    if (other === undefined) this.#keys.set(hash, key);
    else if (other !== key && (await this.#areTwins(other, key)))
      this.findings.push({ kind: 'two keys for one picture', queries: [other, key] });
  }

  async #show(values: string, number: number): Promise<Buffer | string> {
    const [sample] = this.#samples.slice(number, number + 1);
    if (!sample) throw new RangeError(`There is no original ${number}.`);
    return show(values, sample, this.#mark);
  }

  /** Hash of a file, or why there is none. */
  async #print(values: string, number: number): Promise<string> {
    const name = `${number} ${values}`;
    const known = this.#prints.get(name);
    if (known !== undefined) return known;
    const shown = await this.#show(values, number);
    const hash = typeof shown === 'string' ? shown : createHash('sha1').update(shown).digest('base64');
    this.#prints.set(name, hash);
    return hash;
  }

  /** Of the first of the tiny ones that a key shows; undefined where it shows none. */
  async #first(key: string): Promise<string | undefined> {
    for (let number = 0; number < this.#tiny; number++) {
      const hash = await this.#print(key, number);
      if (!/^[a-z_]+$/.test(hash)) return hash;
    }
    return undefined;
  }

  /**
   * To the byte, but for a median of 1 px, which is a step less between two passes, and for shades of grey before a
   * negative, which share its pass: of a resized picture they see the fractions that the negative alone rounds, and
   * a threshold behind it makes white of a level less.
   */
  async #isOne(plain: string, key: string, number: number): Promise<boolean> {
    if ((await this.#print(plain, number)) === (await this.#print(key, number))) return true;
    const has = (part: string) => plain.split('&').some((each) => each.startsWith(part));
    const isRounded = has('gray=') && has('inv=') && has('thr=');
    // The last of the tiny ones has one colour, all of which may be a level less.
    if (isRounded && number === this.#tiny - 1) return true;
    if (!isRounded && !/(^|&)median=1(&|$)/.test(plain)) return false;
    return alike(await this.#show(plain, number), await this.#show(key, number));
  }

  /** Two pictures of a few pixels may be equal by chance: on others of the same kinds, and of others, they are not. */
  async #areTwins(a: string, b: string): Promise<boolean> {
    if (roundest(a) === roundest(b)) return false;
    for (const number of this.#samples.keys())
      if ((await this.#print(a, number)) !== (await this.#print(b, number))) return false;
    return true;
  }
}

/** The roundest corners of a square are its ellipse, and of a picture it is the sides that tell whether it is one. */
const roundest = (key: string): string =>
  key
    .split('&')
    .map((part) => (part === 'r=max' || part === 'mask=ellipse' ? 'round' : part))
    .toSorted()
    .join('&');

/**
 * Whether a key shows on files of a few hundred bytes. What has two colours alone is the same in a palette of any size,
 * and PNG alone has files without one.
 */
function isShown(name: string, values: ReadonlyMap<string, string>): boolean {
  if (name === 'effort') return values.get('fmt') === 'jpeg';
  return name !== 'colors' || !values.has('thr') || values.get('fmt') === 'png';
}

/** A query and its nearest neighbours: a key less, and another value, or two where they belong together. */
function neighbours(draw: () => number): Pairs[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T;
  const draws = (name: string) => pick(VALUES[name] ?? []);
  const drawn = Object.keys(VALUES).filter((name) => name === 'fmt' || draw() < 0.12);
  const pairs = drawn.map((name) => [name, draws(name)] as const);
  const [chosen = 'rot', second = 'flip'] = [pick(drawn), pick(drawn)];
  const turns = ['rot', 'flip'];
  const changed = turns.includes(chosen) ? turns : [chosen, second];
  const others = changed.map((name) => [name, draws(name)] as const);
  return [
    pairs,
    pairs.filter(([name]) => name !== chosen || name === 'fmt'),
    [...pairs.filter(([name]) => !changed.includes(name)), ...others],
  ].map((list) => list.filter(([name]) => isShown(name, new Map(list))));
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
