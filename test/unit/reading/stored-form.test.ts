import { createHash } from 'node:crypto';
import t from 'tap';
import { recordedIdentity } from '../../../server/reading/identity.ts';
import { factsFrom, isWhole, META } from '../../../server/reading/stored-form.ts';
import { crc32Of } from '../../../server/stores/checksum.ts';
import type { ImageRecord } from '../../../server/stores/images.ts';
import type { StoredFacts } from '../../../server/stores/objects.ts';

const BYTES = Buffer.from('the bytes of a result');
const MD5 = createHash('md5').update(BYTES).digest('hex');
const WRITTEN = new Date('2026-11-29T10:00:00Z');

const stored = (more: Partial<StoredFacts>): StoredFacts => ({
  key: 'img/a/w=1',
  etag: MD5,
  size: BYTES.length,
  lastModified: WRITTEN,
  contentType: undefined,
  cacheControl: undefined,
  metadata: {},
  ...more,
});

t.test(
  'bytes are held against the checksum, else against an ETag that is an MD5, and always against their size',
  async (t) => {
    const checksum = { [META.checksum]: crc32Of(BYTES) };
    const wrong = { [META.checksum]: crc32Of(Buffer.from('others')) };
    t.ok(isWhole(BYTES, stored({ metadata: checksum, etag: 'of several parts-2' })));
    t.notOk(isWhole(BYTES, stored({ metadata: wrong })));
    t.ok(isWhole(BYTES, stored({})), 'stored before there were checksums');
    t.notOk(isWhole(BYTES, stored({ etag: MD5.replace(/./, (digit) => (digit === '0' ? '1' : '0')) })));
    t.ok(isWhole(BYTES, stored({ etag: 'of several parts-2' })), 'nothing says what they were');
    t.notOk(isWhole(BYTES.subarray(1), stored({ metadata: checksum })));
  },
);

t.test('what the metadata does not say is as good as absent', async (t) => {
  t.match(factsFrom('a', 'w=1', stored({})), {
    contentType: 'application/octet-stream',
    lastModified: WRITTEN,
    version: '',
    width: undefined,
    height: undefined,
    warnings: [],
    isUpgradable: false,
  });
  const metadata = {
    [META.version]: 'v',
    [META.modified]: '2026-11-28T10:00:00.000Z',
    [META.width]: '3',
    [META.height]: '2',
    [META.warning]: 'distorted,degraded',
    [META.upgrade]: 'due',
  };
  t.match(factsFrom('a', 'w=1', stored({ contentType: 'image/webp', metadata })), {
    contentType: 'image/webp',
    lastModified: new Date('2026-11-28T10:00:00Z'),
    version: 'v',
    width: 3,
    height: 2,
    warnings: ['distorted', 'degraded'],
    isUpgradable: true,
  });
});

t.test('a damaged original is still the version that its record says, if it says one', async (t) => {
  const at = WRITTEN.toISOString();
  const record: ImageRecord = { id: 'a', status: 'completed', createdAt: at, updatedAt: at, revision: 1 };
  t.equal(recordedIdentity(undefined), undefined);
  t.equal(recordedIdentity(record), undefined);
  t.match(recordedIdentity({ ...record, version: MD5 }), { version: MD5, size: 0 });
  t.match(
    recordedIdentity({
      ...record,
      version: MD5,
      generation: 2,
      original: { contentType: 'image/jpeg', format: 'jpeg', width: 1, height: 1, frames: 1, bytes: 7 },
    }),
    {
      version: `${MD5}.2`,
      lastModified: WRITTEN,
      size: 7,
    },
  );
});
