import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { FileObjects } from '../../server/stores/files.ts';
import { objectsSuite } from './objects.suite.ts';

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));

const objects = await FileObjects.open(join(folder, 'objects'));
const unreachable = await unusable(join(folder, 'unreachable'));

await objectsSuite(t, 'objects in files', {
  objects,
  unreachable,
  leftovers: () => readdir(join(folder, 'objects', '.tmp')),
  gaps: {},
});

async function unusable(root: string): Promise<FileObjects> {
  const store = await FileObjects.open(root);
  await rm(root, { recursive: true });
  return store;
}
