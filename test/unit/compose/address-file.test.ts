import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { noteAddress, notedAddress } from '../../../server/compose/address-file.ts';
import { mountDisk } from '../../support/disk.ts';

const placeIn = (dataDir: string, more = {}) => ({
  dataDir,
  publicUrl: undefined,
  ...more,
});

t.test('a server notes where it is found, as long as it runs', async (t) => {
  const place = placeIn(t.testdir());
  t.equal(await notedAddress(place), undefined);
  const remove = await noteAddress(place, 'http://0.0.0.0:9000');
  t.equal(await notedAddress(place), 'http://localhost:9000');
  const removeOther = await noteAddress(
    { ...place, publicUrl: 'https://img.example.com' },
    'http://[::]:9001',
  );
  t.equal(await notedAddress(place), 'https://img.example.com');
  await remove();
  t.equal(await notedAddress(place), 'https://img.example.com', 'the note of another one stays');
  await removeOther();
  t.same(await readdir(place.dataDir), []);
});

t.test('nothing hangs on the note: a folder that is not there, text that is no address', async (t) => {
  const gone = placeIn(join(t.testdir(), 'gone'));
  await (await noteAddress(gone, 'http://10.0.0.1:80'))();
  const broken = placeIn(t.testdir());
  await writeFile(join(broken.dataDir, 'server.address'), 'half');
  t.equal(await notedAddress(broken), undefined);
});

t.test('a server on a disk that turned read-only ends as others do', async (t) => {
  const disk = await mountDisk(t, 2 ** 20);
  if (!disk) return;
  const place = placeIn(disk.folder);
  const remove = await noteAddress(place, 'http://0.0.0.0:9000');
  disk.readOnly(true);
  await (await noteAddress(place, 'http://0.0.0.0:9000'))();
  await remove();
  t.equal(await notedAddress(place), 'http://localhost:9000', 'and leaves what it cannot remove');
  disk.readOnly(false);
  await remove();
  t.equal(await notedAddress(place), undefined);
});
