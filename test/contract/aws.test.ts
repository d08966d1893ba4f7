import t from 'tap';
import { S3Objects } from '../../server/stores/s3.ts';
import { deafClients, startStorage } from '../support/emulators.ts';
import { objectsSuite, unfinishedUploads } from './objects.suite.ts';

const storage = await startStorage();
t.teardown(() => storage.stop());
const deaf = deafClients();

await objectsSuite(t, 'objects in S3', {
  objects: new S3Objects(storage.s3, storage.results),
  unreachable: new S3Objects(deaf.s3, storage.results),
  leftovers: () => unfinishedUploads(storage.s3, storage.results),
  gaps: {
    'ifAbsent refuses a taken key and leaves its object alone': 'fauxqs 2.4 ignores If-None-Match',
    'of 20 writers with ifAbsent at once, one wins': 'fauxqs 2.4 ignores If-None-Match',
    'ifAbsent on a large stream refuses a taken key': 'fauxqs 2.4 ignores If-None-Match',
    'writers that failed have left neither parts nor files':
      'fauxqs 2.4 answers ListMultipartUploads with keys',
    'lists keys in bytewise order, whatever they contain': 'fauxqs 2.4 sorts keys by locale',
  },
});
