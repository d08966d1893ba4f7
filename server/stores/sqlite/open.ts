import type { Jobs, Records } from '../contracts.ts';
import { SqliteCollections } from './collections.ts';
import { Database } from './database.ts';
import { SqliteImages } from './images.ts';
import { SqliteJobs } from './jobs.ts';
import { SqliteLocks } from './locks.ts';
import { SqliteProgress } from './progress.ts';
import { SqliteVariants } from './variants.ts';

export interface SqliteStores {
  records: Records;
  jobs: Jobs;
  /** After this every call is `store_unavailable`. */
  close(): void;
}

/**
 * Records and jobs in one file, which any number of processes may open at once.
 *
 * @param path         made where absent, with its folder
 * @param maxReceives  how often a job is handed out before it goes to the dead letters
 */
export function openSqlite(path: string, { maxReceives }: { maxReceives: number }): SqliteStores {
  const db = new Database(path);
  return {
    records: {
      images: new SqliteImages(db),
      variants: new SqliteVariants(db),
      collections: new SqliteCollections(db),
      locks: new SqliteLocks(db),
      progress: new SqliteProgress(db),
      ping: async () => {
        await db.read(() => db.get('SELECT 1 FROM images LIMIT 1'));
      },
    },
    jobs: new SqliteJobs(db, { maxReceives }),
    close: () => db.close(),
  };
}
