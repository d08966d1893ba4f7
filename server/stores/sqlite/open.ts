import type { Jobs } from '../jobs.ts';
import type { Records } from '../stores.ts';
import { SqliteAnswers } from './answers.ts';
import { SqliteCollections } from './collections.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { SqliteImages } from './images.ts';
import { SqliteJobs } from './jobs.ts';
import { SqliteLocks } from './locks.ts';
import { SqliteProgress } from './progress.ts';
import { SqliteVariants } from './variants.ts';

export interface SqliteStores {
  records: Records;
  jobs: Jobs;
  /** Brings the log that lies beside the file into it. */
  checkpoint(): Promise<void>;
  /** Removes what has expired; resolves to how much it was. */
  collectGarbage(): Promise<number>;
  /** After this every call is `store_unavailable`. */
  close(): void;
}

/**
 * Records and jobs in one file, which any number of processes may open at once.
 *
 * @param path         made where absent, with its folder
 * @param maxReceives  how often a job is handed out before it goes to the dead letters
 * @param isQueue      false where jobs lie elsewhere: then records take none along
 */
export function openSqlite(
  path: string,
  { maxReceives, isQueue = true, ...options }: { maxReceives: number; isQueue?: boolean } & DatabaseOptions,
): SqliteStores {
  const db = new Database(path, options);
  const answers = new SqliteAnswers(db);
  const jobs = new SqliteJobs(db, { maxReceives });
  return {
    records: {
      takesJobs: isQueue,
      images: new SqliteImages(db, isQueue ? jobs : undefined),
      variants: new SqliteVariants(db),
      collections: new SqliteCollections(db),
      locks: new SqliteLocks(db),
      progress: new SqliteProgress(db),
      answers,
      ping: async () => {
        await db.read(() => db.get('SELECT 1 FROM images LIMIT 1'));
      },
    },
    jobs,
    checkpoint: () => db.checkpoint(),
    collectGarbage: () => answers.collectGarbage(),
    close: () => db.close(),
  };
}
