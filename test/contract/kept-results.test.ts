import { S3Client } from '@aws-sdk/client-s3';
import t from 'tap';
import type { Result } from '../../server/reading/result.ts';
import { Results } from '../../server/reading/results.ts';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { identity, startStorage } from '../support/emulators.ts';
import { startWire } from '../support/wire.ts';

const result = (text: string): Result => ({
  id: 'a',
  canonical: 'fmt=webp&w=1',
  version: 'v1',
  etag: '',
  contentType: 'image/webp',
  bytes: Buffer.from(text),
  lastModified: new Date(1000),
  width: 1,
  height: 2,
  warnings: [],
});

t.test('a bucket that throttles writes alone still tells of the result that it has', async (t) => {
  const storage = await startStorage();
  t.teardown(() => storage.stop());
  const wire = await startWire(storage.endpoint, { keepsConditions: true });
  t.teardown(() => wire.stop());
  const s3 = new S3Client({ ...identity, endpoint: wire.endpoint, forcePathStyle: true });
  t.teardown(() => s3.destroy());
  const results = new Results(new S3Objects(s3, storage.originals), 'max-age=1');
  await results.keep(result('first'), async () => true);
  wire.fault = { kind: 'throttle', hits: (method) => method === 'PUT' };
  t.match(await results.keep(result('another'), async () => true), { size: 5 });
});
