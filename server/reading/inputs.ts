import { hash } from 'node:crypto';
import { isProblem } from '../shared/errors.ts';
import type { Identity, Originals } from './originals.ts';

export interface Variant {
  readonly id: string;
  /** Canonical form, format resolved. */
  readonly canonical: string;
}

/** Stands between the version of an original and that of the marks on it. */
const MARKED = '+';
const MARKS = /(?:^|&)wm2?=([^&]*)/g;

/** What a version says of the original alone. */
export const originalOf = (version: string): string => version.split(MARKED)[0] ?? '';

/** What it says of the marks; '' without. */
export const marksOf = (version: string): string => version.slice(originalOf(version).length);

type Lookups = Pick<Originals, 'lookUp' | 'identify' | 'lastKnown' | 'believed' | 'isSettled' | 'revalidate'>;

/**
 * Everything that a result is made of, as one version: the original and, where the form names watermarks, which marks
 * those are now. So whatever compares versions sees a mark that was replaced or registered anew.
 */
export class Inputs {
  readonly #originals: Lookups;
  readonly #watermarks: Readonly<Record<string, string>>;

  /** @param watermarks  name to id of an original */
  constructor(originals: Lookups, watermarks: Readonly<Record<string, string>>) {
    this.#originals = originals;
    this.#watermarks = watermarks;
  }

  /** @throws Problem `image_not_found` */
  async identify({ id, canonical }: Variant): Promise<Identity> {
    const identity = await this.#originals.identify(id);
    const ids = this.#markIds(canonical);
    if (ids.length === 0) return identity;
    const marks = await Promise.all(ids.map((mark) => this.#originals.identify(mark).catch(absent)));
    return marked(identity, ids, marks);
  }

  /** What is known right now, without asking anyone. */
  lastKnown(variant: Variant): Identity | undefined {
    return this.#of(variant, (id) => this.#originals.lastKnown(id));
  }

  /** What a request may go by that waits for nobody, see Originals. */
  believed(variant: Variant): Identity | undefined {
    return this.#of(variant, (id) => this.#originals.believed(id));
  }

  #of({ id, canonical }: Variant, ask: (id: string) => Identity | undefined): Identity | undefined {
    const identity = ask(id);
    const ids = this.#markIds(canonical);
    if (!identity || ids.length === 0) return identity;
    const marks = ids.map(ask);
    return marks.every((mark) => mark !== undefined) ? marked(identity, ids, marks) : undefined;
  }

  isSettled({ id, canonical }: Variant): boolean {
    return [id, ...this.#markIds(canonical)].every((input) => this.#originals.isSettled(input));
  }

  /** Looks up anew, as Originals does. */
  async revalidate({ id, canonical }: Variant): Promise<Identity | undefined> {
    const ids = this.#markIds(canonical);
    const [identity, ...marks] = await Promise.all(
      [id, ...ids].map((input) => this.#originals.revalidate(input)),
    );
    return identity && marked(identity, ids, marks);
  }

  /** Which marks a form puts on a picture, as they are now: the end of its version. */
  async marks(canonical: string): Promise<string> {
    const ids = this.#markIds(canonical);
    return textOf(ids, await Promise.all(ids.map((id) => this.#originals.lookUp(id))));
  }

  #markIds(canonical: string): string[] {
    if (!canonical.includes('wm')) return [];
    return [...canonical.matchAll(MARKS)].flatMap(([, name = '']) =>
      Object.hasOwn(this.#watermarks, name) ? [this.#watermarks[name] ?? ''] : [],
    );
  }
}

const absent = (error: unknown): undefined => {
  if (!isProblem(error) || error.code !== 'image_not_found') throw error;
};

function marked(
  identity: Identity,
  ids: readonly string[],
  marks: readonly (Identity | undefined)[],
): Identity {
  if (ids.length === 0) return identity;
  const version = identity.version + textOf(ids, marks);
  const isStale = identity.isStale || marks.some((mark) => mark?.isStale);
  return { ...identity, version, ...(isStale && { isStale }) };
}

function textOf(ids: readonly string[], marks: readonly (Identity | undefined)[]): string {
  if (ids.length === 0) return '';
  const versions = JSON.stringify(ids.map((id, index) => [id, marks[index]?.version ?? null]));
  return MARKED + hash('sha256', versions, 'hex').slice(0, 16);
}
