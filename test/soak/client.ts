import { createHash } from 'node:crypto';
import { form, noise } from '../support/api.ts';
import type { Answer } from './answers.ts';
import { isRefusal, wrongIn } from './answers.ts';
import type { Ledger } from './ledger.ts';

export interface ClientOptions {
  /** Where requests go now. */
  readonly base: () => string;
  readonly ledger: Ledger;
  /** 0 to 1. */
  readonly random: () => number;
  /** Pictures that all clients ask for. */
  readonly shared: readonly string[];
  /** In front of the ids of its own pictures, which nobody else changes. */
  readonly name: string;
}

/** What a client asks for, and how often of a hundred. */
const SHARES = {
  popular: 52,
  cold: 20,
  conditional: 6,
  wrong: 5,
  upload: 4,
  replace: 2,
  remove: 2,
  own: 5,
  status: 2,
  explain: 1,
  list: 1,
} as const;
type Kind = keyof typeof SHARES;
const KINDS = Object.keys(SHARES) as readonly Kind[];

const POPULAR = ['w=64&fmt=webp', 'w=128&fmt=webp', 'w=200&fmt=jpeg', 'w=200&fmt=avif&effort=fast'];
const WARM = ['w=40&fmt=webp', 'w=56&fmt=jpeg'];
const WRONG = [
  ['/img/SHARED?w=0', 400],
  ['/img/SHARED?wdith=10', 400],
  ['/img/nobody.jpg?w=10', 404],
  ['/img/broken.jpg?w=10', 422],
  ['/api/images/nobody.jpg', 404],
] as const;

/** One that asks for pictures and changes its own, one request after another, and notes what is wrong. */
export class Client {
  readonly #options: ClientOptions;
  readonly #etags = new Map<string, string>();
  /** Of its own pictures, what was last accepted. */
  readonly #own = new Map<string, Buffer>();
  #uploads = 0;
  answered = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async next(): Promise<void> {
    await this.#requests[this.#drawKind()]();
    this.answered += 1;
  }

  /** A page of new pictures, all at once. */
  async burst(pictures: number): Promise<void> {
    await Promise.all(Array.from({ length: pictures }, () => this.#requests.cold()));
  }

  readonly #requests: Readonly<Record<Kind, () => Promise<unknown>>> = {
    popular: () => this.#get(this.#popular(), [200]),
    cold: () => this.#get(`/img/${this.#pick(this.#options.shared)}?${this.#newQuery()}`, [200]),
    conditional: () => this.#askAgain(),
    wrong: () => {
      const [path, status] = this.#pick(WRONG);
      return this.#get(path.replace('SHARED', this.#options.shared[0] ?? ''), [status]);
    },
    upload: () => this.#upload(),
    replace: () => this.#replace(),
    remove: () => this.#remove(),
    own: () =>
      this.#ofOwn((id) => this.#get(`/img/${id}?w=${20 + Math.floor(this.#options.random() * 30)}`, [200])),
    status: () => this.#ofOwn((id) => this.#get(`/api/images/${id}/status`, [200])),
    explain: () => this.#get(`/api/explain/${this.#options.shared[0]}?w=100`, [200]),
    list: () => this.#get('/api/images?limit=20', [200]),
  };

  async #askAgain(): Promise<void> {
    const path = this.#popular();
    const etag = this.#etags.get(path);
    await this.#get(path, [200, 304], etag === undefined ? {} : { 'if-none-match': etag });
  }

  async #upload(): Promise<void> {
    const { name, random, ledger } = this.#options;
    this.#uploads += 1;
    const id = `${name}/${this.#uploads}.jpg`;
    const bytes = await noise(120, 90, 1 + Math.floor(random() * 1e6));
    const parts = [
      ['id', id],
      ['variants', JSON.stringify(WARM)],
      ['file', bytes],
    ] as const;
    const answer = await this.#change('POST', '/api/images', 202, form(parts));
    if (!answer || isRefusal(answer)) return;
    this.#own.set(id, bytes);
    ledger.accept(id, digest(bytes));
  }

  #replace(): Promise<void> {
    const { random, ledger } = this.#options;
    return this.#ofOwn(async (id) => {
      const bytes = await noise(120, 90, 1 + Math.floor(random() * 1e6));
      const path = `/api/images/${id}/original`;
      const answer = await this.#change('PUT', path, 202, form([['file', bytes]]));
      if (answer && !isRefusal(answer)) ledger.accept(id, digest(bytes));
    });
  }

  #remove(): Promise<void> {
    return this.#ofOwn(async (id) => {
      const answer = await this.#change('DELETE', `/api/images/${id}`, 204);
      if (!answer || isRefusal(answer)) return;
      this.#own.delete(id);
      this.#options.ledger.remove(id);
    });
  }

  /** The requests of a picture of its own; an upload where there is none. */
  async #ofOwn(ask: (id: string) => Promise<unknown>): Promise<void> {
    const ids = [...this.#own.keys()];
    if (ids.length === 0) await this.#upload();
    else await ask(this.#pick(ids));
  }

  async #get(path: string, expected: readonly number[], headers: Record<string, string> = {}): Promise<void> {
    const answer = await this.#ask('GET', path, { headers });
    if (!answer) return;
    this.#note(`GET ${path}`, answer, expected);
    const etag = answer.headers.get('etag');
    if (etag !== null && answer.status === 200) this.#etags.set(path, etag);
  }

  async #change(method: string, path: string, status: number, body?: FormData): Promise<Answer | undefined> {
    const answer = await this.#ask(method, path, body ? { body } : {});
    if (answer) this.#note(`${method} ${path}`, answer, [status]);
    return answer;
  }

  /** Undefined where the connection broke off. */
  async #ask(method: string, path: string, init: RequestInit): Promise<Answer | undefined> {
    try {
      const response = await fetch(this.#options.base() + path, { method, redirect: 'manual', ...init });
      const bytes = Buffer.from(await response.arrayBuffer());
      return { status: response.status, headers: response.headers, bytes };
    } catch (error) {
      this.#options.ledger.fault(
        `${method} ${path} broke off: ${error instanceof Error ? (error.cause ?? error) : error}`,
      );
      return undefined;
    }
  }

  #note(what: string, answer: Answer, expected: readonly number[]): void {
    const { ledger } = this.#options;
    ledger.count(answer.status);
    const wrong = wrongIn(answer, expected);
    if (wrong) ledger.fault(`${what} ${wrong}`);
  }

  #popular(): string {
    const { shared, random } = this.#options;
    // The first ones more often than the last, as on any site.
    const id = shared[Math.floor(random() ** 2 * shared.length)];
    return `/img/${id}?${this.#pick(POPULAR)}`;
  }

  /** Of thousands, most of which nobody has asked for. */
  #newQuery(): string {
    const format = this.#pick(['webp', 'jpeg', 'png', 'avif']);
    const change = this.#pick(['', '', '&blur=2', '&rot=90', '&sat=-40', '&q=auto']);
    return `w=${16 + Math.floor(this.#options.random() * 400)}&fmt=${format}${change}`;
  }

  #drawKind(): Kind {
    const total = Object.values(SHARES).reduce((sum, share) => sum + share, 0);
    let remaining = this.#options.random() * total;
    const drawn = KINDS.find((kind) => {
      remaining -= SHARES[kind];
      return remaining < 0;
    });
    return drawn ?? 'popular';
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.#options.random() * list.length)];
    if (picked === undefined) throw new RangeError('There is nothing to pick from.');
    return picked;
  }
}

const digest = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
