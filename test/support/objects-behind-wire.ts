import { S3Client } from '@aws-sdk/client-s3';
import type { Test } from 'tap';
import type { Objects } from '../../server/stores/objects.ts';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { identity, startStorage } from './emulators.ts';
import { startWire, type Wire } from './wire.ts';

/** Objects of a bucket, and the wire to it, whose conditions are kept; both go with the test. */
export async function objectsBehindWire(t: Test): Promise<{ objects: Objects; wire: Wire }> {
  const storage = await startStorage();
  t.teardown(() => storage.stop());
  const wire = await startWire(storage.endpoint, { keepsConditions: true });
  t.teardown(() => wire.stop());
  const s3 = new S3Client({ ...identity, endpoint: wire.endpoint, forcePathStyle: true });
  t.teardown(() => s3.destroy());
  return { objects: new S3Objects(s3, storage.originals), wire };
}
