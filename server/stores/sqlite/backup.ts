import { existsSync, renameSync, rmSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { withContext } from '../../shared/error-text.ts';
import { integer, isBroken, isBusy } from './connection.ts';
import { MIGRATIONS } from './schema.ts';

/** For a lock that somebody holds for the time of a write. */
const LOCK_MS = 5_000;

/**
 * Copies a database as it is at one moment, while others read and write it. The copy is read through before it gets its
 * name, and is on the disk once this resolves.
 *
 * @param path  of the database
 * @param file  where nothing may lie yet
 * @throws Error that names the file
 */
export async function backUp(path: string, file: string): Promise<void> {
  if (!existsSync(path)) throw new Error(`${path}: there is no such database.`);
  if (existsSync(file)) throw new Error(`${file} is there already.`);
  await made(file, async (part) => {
    await withContext(`${path} cannot be copied to ${file}`, () =>
      withDatabase(path, (db) => db.prepare('VACUUM INTO ?').run(part)),
    );
    check(part);
  });
}

/**
 * Puts a backup in the place of a database, which is kept under another name. What the backup knows of images is looked
 * at anew: originals that came, changed or went since are found by the sweep, and deletions that were under way when it
 * was made are not gone on with, since what lies there may be another picture by now.
 *
 * @param file  of `backUp`, of this schema or an older one
 * @param path  of the database
 * @returns     where the database lies that was there before; undefined when there was none
 * @throws Error that says why the backup is none, or that a program has the database open
 */
export async function restore(file: string, path: string): Promise<string | undefined> {
  if (!existsSync(file)) throw new Error(`${file}: there is no such file.`);
  check(file);
  const former = existsSync(path) ? `${path}.${new Date().toISOString().replaceAll(':', '')}` : undefined;
  if (former !== undefined) checkUnused(path);
  await made(path, async (part) => {
    await copyFile(file, part);
    withDatabase(part, lookAnew);
    if (former !== undefined) moveAside(path, former);
  });
  return former;
}

/** Makes a file aside, and gives it its name once it is on the disk. */
async function made(file: string, make: (part: string) => Promise<void>): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    await make(part);
    await synced(part, 'r+');
    renameSync(part, file);
    if (process.platform !== 'win32') await synced(dirname(file), 'r');
  } finally {
    rmSync(part, { force: true });
  }
}

async function synced(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function withDatabase<T>(path: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path, { timeout: LOCK_MS });
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** Of the schema; the file is read through. */
function versionOf(file: string): number {
  try {
    return withDatabase(file, (db) => {
      const { quick_check: found } = db.prepare('PRAGMA quick_check(1)').get() ?? {};
      if (found !== 'ok') throw new Error(`${file} is damaged: ${found}.`);
      return integer(db.prepare('PRAGMA user_version').get(), 'user_version');
    });
  } catch (error) {
    // One that cannot be opened at all is told so by the constructor.
    if (!isBroken(error)) throw error;
    throw new Error(`${file} is no database, or a damaged one.`, { cause: error });
  }
}

/** @throws Error that says what is wrong with a backup */
function check(file: string): void {
  const version = versionOf(file);
  if (version === 0) throw new Error(`${file} is no database of this program.`);
  if (version > MIGRATIONS.length)
    throw new Error(
      `${file} is of a newer version (${version}) than this program knows (${MIGRATIONS.length}).`,
    );
}

/** Whoever has it open would go on to write to a file that has another name by then. */
function checkUnused(path: string): void {
  try {
    // Needs the file for itself; brings its log into it on the way.
    withDatabase(path, (db) => db.exec('PRAGMA journal_mode = DELETE'));
  } catch (error) {
    if (isBusy(error)) throw new Error(`${path} is open in a program: stop server and warmers first.`);
    if (!isBroken(error)) throw error;
  }
}

function moveAside(path: string, former: string): void {
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(path + suffix)) renameSync(path + suffix, former + suffix);
}

function lookAnew(db: DatabaseSync): void {
  db.exec(`UPDATE images SET record = json_set(json_remove(record, '$.owed.delete', '$.owed.discard'),
    '$.owed.token', lower(hex(randomblob(16))), '$.owed.measure', json('true'))`);
}
