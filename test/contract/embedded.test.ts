import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { openSqlite } from '../../server/stores/sqlite/open.ts';
import { removeFolder } from '../support/folders.ts';
import { jobsSuite } from './jobs.suite.ts';
import { objectsSuite } from './objects.suite.ts';
import { recordsSuite } from './records.suite.ts';

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
t.teardown(() => removeFolder(folder));

function stores(options = { maxReceives: 3 }) {
  const opened = openSqlite(join(folder, `${randomUUID()}.db`), options);
  t.teardown(() => opened.close());
  return opened;
}

const closed = stores();
closed.close();

const unmounted = await FileObjects.open(join(folder, 'unmounted'));
await rm(join(folder, 'unmounted'), { recursive: true });

const objects = await FileObjects.open(join(folder, 'objects'));

void objectsSuite(t, 'objects in files', {
  objects,
  unreachable: unmounted,
  leftovers: () => readdir(join(folder, 'objects', '.tmp')),
  keyCount: 30,
  gaps: {},
});

const { records, jobs } = stores();

void recordsSuite(t, 'records in SQLite', {
  records,
  jobs,
  unreachable: closed.records,
  gaps: {},
});

void jobsSuite(t, 'jobs in SQLite', {
  fresh: async (options) => stores(options).jobs,
  unreachable: closed.jobs,
  dropsTwins: true,
  gaps: {},
});
