import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';

/**
 * Runs in a thread of its own, once: brings the log into the file and makes it short. It waits for nobody: where a reader
 * or writer is in its way, it does what it can.
 */
const db = new DatabaseSync(String(workerData), { timeout: 0 });
db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
db.close();
