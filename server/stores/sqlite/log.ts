import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { errorName } from '../errors.ts';

const MIB = 2 ** 20;
/** By so much the log may grow before it is brought into the file: some 400 writes. */
const GROWTH_BYTES = 4 * MIB;
/** Past this writers wait for the checkpoint: else a slow disk would let it grow as fast as they write. */
const MOST_BYTES = 16 * MIB;

const THREAD = new URL(`./checkpoint${extname(import.meta.filename)}`, import.meta.url);

/**
 * The write-ahead log of an open database: its syncs and checkpoints, both beside the event loop. Done by SQLite itself,
 * in the commit, they stopped it for 32 ms in one of 100 writes and for 1.3 s at worst on a disk that others use too;
 * done here, for 0.2 ms and 17-150 ms.
 */
export class WriteAheadLog {
  readonly #database: string;
  readonly #path: string;
  #file: Promise<FileHandle | undefined> | undefined;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #checkpoint: Promise<void> | undefined;
  #dueBytes = GROWTH_BYTES;

  constructor(database: string) {
    this.#database = database;
    this.#path = `${database}-wal`;
  }

  /** Resolves once all that was committed before would survive a power cut: those who wait share one sync. */
  durable(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#running = this.#sync();
        return this.#running;
      });
    return this.#next;
  }

  /** Begins a checkpoint where one is due, and waits for it only where the log is far too long. */
  async relieve(): Promise<void> {
    const bytes = this.#bytes();
    if (bytes < this.#dueBytes) return;
    const done = this.checkpoint();
    if (bytes > MOST_BYTES) await done;
  }

  /** Makes the log short, as far as readers let it. */
  checkpoint(): Promise<void> {
    this.#checkpoint ??= runThread(this.#database).then(() => {
      this.#checkpoint = undefined;
      this.#dueBytes = this.#bytes() + GROWTH_BYTES;
    });
    return this.#checkpoint;
  }

  close(): void {
    this.#file?.then((file) => file?.close()).catch(() => undefined);
    this.#file = undefined;
  }

  async #sync(): Promise<void> {
    this.#file ??= openLog(this.#path).catch((error: unknown) => {
      this.#file = undefined;
      throw error;
    });
    await (await this.#file)?.datasync();
  }

  #bytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** With its name in the folder on the disk. Undefined where there is none: on a file system that SQLite keeps no log on. */
async function openLog(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r+');
    // Windows opens no folders; NTFS journals its entries.
    if (process.platform !== 'win32') await syncFolder(dirname(path));
    return file;
  } catch (error) {
    await file?.close();
    if (errorName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Resolves when it has ended, well or not: what it did not do is done by the next one. */
function runThread(database: string): Promise<void> {
  return new Promise((resolve) => {
    // Without what the program was started with: the loaders of a tracer or a test runner cost each one 0.3 s.
    const thread = new Worker(THREAD, { workerData: database, execArgv: [], env: {} });
    thread.on('error', () => undefined);
    thread.once('exit', () => resolve());
  });
}
