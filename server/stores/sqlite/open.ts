import type { Jobs, Records } from '../contracts.ts';
import { Database } from './database.ts';
import { SqliteJobs } from './jobs.ts';
import { SqliteRecords } from './records.ts';

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
    records: new SqliteRecords(db),
    jobs: new SqliteJobs(db, { maxReceives }),
    close: () => db.close(),
  };
}
