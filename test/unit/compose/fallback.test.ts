import t from 'tap';
import { checkFallback } from '../../../server/compose/fallback.ts';
import { FileObjects } from '../../../server/stores/files/objects.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';

t.test('a fallback that is not there is told by its setting when a program starts', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const originals = await FileObjects.open(folder);
  await originals.put('there.png', Buffer.from('x'), { contentType: 'image/png' });
  await t.resolves(checkFallback({ fallbackImage: undefined }, originals));
  await t.resolves(checkFallback({ fallbackImage: 'there.png' }, originals));
  await t.rejects(checkFallback({ fallbackImage: 'away.png' }, originals), {
    message: /^FALLBACK_IMAGE="away\.png": there is no such original/,
  });
});
