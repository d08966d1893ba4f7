import { openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import type { ImageRecord } from '../../server/stores/images.ts';
import type { Stores } from '../../server/stores/stores.ts';
import { form, type UploadAnswer } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, spawnServer } from '../support/process.ts';
import { spawnWarmer, type WarmerProcess } from '../support/warmer.ts';

export const VARIANTS = [64, 128, 240].flatMap((w) => [`fmt=webp&w=${w}`, `fmt=jpeg&w=${w}`]);

/** Real processes over one DATA_DIR, and our own look at it. */
export class Deployment {
  readonly stores: Stores;
  readonly #env: Record<string, string>;
  /** ETags that each result was ever seen with. */
  readonly seen = new Map<string, Set<string>>();
  #server: ServerProcess | undefined;
  #starting: Promise<ServerProcess> | undefined;
  #warmers: WarmerProcess[] = [];
  kills = 0;

  private constructor(stores: Stores, env: Record<string, string>) {
    this.stores = stores;
    this.#env = env;
  }

  /** @param stores  settings of others than those in the folder */
  static async open(stores: Record<string, string> = {}): Promise<Deployment> {
    const env = {
      ...stores,
      DATA_DIR: await temporaryFolder(),
      LOG_LEVEL: 'info',
      API_RATE_PER_MINUTE: '0',
      VISIBILITY_SECONDS: '1',
      SWEEP_SECONDS: '1',
      // A message that is received this often was killed this often: here that is the normal case.
      WARM_ATTEMPTS: '100',
    };
    return new Deployment(await openStores(loadConfig(env)), env);
  }

  async startServer(): Promise<ServerProcess> {
    this.#starting ??= spawnServer(this.#env);
    this.#server = await this.#starting;
    return this.#server;
  }

  async killServer(): Promise<void> {
    const server = await this.#starting;
    this.#starting = undefined;
    await server?.end('SIGKILL');
    this.kills += 1;
  }

  async startWarmer(): Promise<WarmerProcess> {
    const warmer = await spawnWarmer(this.#env);
    this.#warmers.push(warmer);
    return warmer;
  }

  async killWarmer(warmer: WarmerProcess): Promise<void> {
    await warmer.end('SIGKILL');
    this.#warmers = this.#warmers.filter((other) => other !== warmer);
    this.kills += 1;
  }

  /** Uploads until it is accepted; the id. */
  async upload(bytes: Uint8Array): Promise<string> {
    for (;;) {
      try {
        const { base } = await this.startServer();
        const body = form([
          ['variants', JSON.stringify(VARIANTS)],
          ['file', bytes],
        ]);
        const response = await fetch(`${base}/api/images`, { method: 'POST', body });
        const answer = (await response.json()) as Partial<UploadAnswer>;
        if (response.status === 202 && answer.id) return answer.id;
        if (response.status < 500) throw new RangeError(`refused: ${JSON.stringify(answer)}`);
      } catch (error) {
        if (error instanceof RangeError) throw error;
        // The server was killed under our hands: nothing was accepted.
      }
    }
  }

  /** Looks at every result that is there. */
  async look(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = { prefix: 'img/', limit: 1000, ...(cursor ? { cursor } : {}) };
      const { items, next } = await this.stores.results.list(page);
      for (const { key, etag } of items) {
        const etags = this.seen.get(key) ?? new Set();
        this.seen.set(key, etags.add(etag));
      }
      cursor = next;
    } while (cursor);
  }

  async images(): Promise<ImageRecord[]> {
    const images: ImageRecord[] = [];
    let cursor: string | undefined;
    do {
      const { items, next } = await this.stores.records.images.list({
        limit: 100,
        ...(cursor ? { cursor } : {}),
      });
      images.push(...items);
      cursor = next;
    } while (cursor);
    return images;
  }

  async close(): Promise<void> {
    for (const warmer of this.#warmers) await warmer.end('SIGKILL');
    const server = await this.#starting;
    await server?.end('SIGKILL');
    this.stores.close();
    await removeFolder(this.#env['DATA_DIR'] ?? '');
  }
}
