import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { startStorage } from '../support/emulators.ts';
import { removeFolder } from '../support/folders.ts';
import { s3Suite } from './aws.ts';
import { objectsSuite } from './objects.suite.ts';

/** More keys than S3 lists or removes in one call. */
const KEYS = 1_050;

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
t.teardown(() => removeFolder(folder));
const objects = await FileObjects.open(join(folder, 'objects'));
const storage = await startStorage();
t.teardown(() => storage.stop());
const unmounted = await FileObjects.open(join(folder, 'unmounted'));
await rm(join(folder, 'unmounted'), { recursive: true });

// All that is opened is opened before the first test: tap ends when it finds none waiting.
await s3Suite(t, storage, KEYS);

await objectsSuite(t, 'objects in files', {
  objects,
  unreachable: unmounted,
  leftovers: () => readdir(join(folder, 'objects', '.tmp')),
  keyCount: KEYS,
  gaps: {},
});
