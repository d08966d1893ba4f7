import t from 'tap';
import type { ImageRecord } from '../../../server/stores/images.ts';
import { checkStatusKey, newSecret, statusKey } from '../../../server/writing/status-keys.ts';

const NOW = 1_800_000_000;
const secret = newSecret();
const record: ImageRecord = {
  id: 'a/b.jpg',
  status: 'uploading',
  createdAt: '',
  updatedAt: '',
  revision: 1,
  announced: { contentType: 'image/jpeg', bytes: 1, secret },
};

t.test('a key holds until an hour after its form, and says then that its time is over', async (t) => {
  const key = statusKey(secret, record.id, NOW);
  t.doesNotThrow(() => checkStatusKey(record, key, NOW + 3600));
  t.throws(() => checkStatusKey(record, key, NOW + 3601), { code: 'url_expired' });
});

t.test('no key is good for another image, or for one that was never announced', async (t) => {
  const key = statusKey(secret, record.id, NOW);
  const { announced: _announced, ...plain } = record;
  const others = [
    undefined,
    plain,
    { ...record, id: 'a/c.jpg' },
    { ...plain, announced: { contentType: '', bytes: 1 } },
  ];
  for (const other of others) t.throws(() => checkStatusKey(other, key, NOW), { code: 'unauthorized' });
});
