import t from 'tap';
import { DynamoRecords } from '../../server/stores/dynamodb/records.ts';
import { S3Objects } from '../../server/stores/s3/objects.ts';
import { SqsJobs } from '../../server/stores/sqs/jobs.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { deafClients, startStorage } from '../support/emulators.ts';
import { freshJobs, unfinishedUploads } from './aws.ts';
import { jobsSuite } from './jobs.suite.ts';
import { objectsSuite } from './objects.suite.ts';
import { recordsSuite } from './records.suite.ts';

// All before the first test: tap ends when it finds none waiting.
const [storage, database] = await Promise.all([startStorage(), startRecords()]);
t.teardown(() => storage.stop());
const deaf = deafClients();

await objectsSuite(t, 'objects in S3', {
  objects: new S3Objects(storage.s3, storage.results),
  unreachable: new S3Objects(deaf.s3, storage.results),
  leftovers: () => unfinishedUploads(storage.s3, storage.results),
  gaps: {
    'ifAbsent refuses a taken key and leaves its object alone': 'fauxqs 2.4 ignores If-None-Match',
    'of 20 writers with ifAbsent at once, one wins': 'fauxqs 2.4 ignores If-None-Match',
    'ifMatch replaces the object that has this ETag, and no other': 'fauxqs 2.4 ignores If-Match',
    'of 20 writers with ifMatch at once, one wins': 'fauxqs 2.4 ignores If-Match',
    'copies on condition of what lies at the other end': 'fauxqs 2.4 ignores conditions of copies',
    'ifAbsent on a large stream refuses a taken key': 'fauxqs 2.4 ignores If-None-Match',
    'writers that failed have left neither parts nor files':
      'fauxqs 2.4 answers ListMultipartUploads with keys',
    'lists keys in bytewise order, whatever they contain': 'fauxqs 2.4 sorts keys by locale',
  },
});

await jobsSuite(t, 'jobs in SQS', {
  fresh: (options) => freshJobs(storage.sqs, options.maxReceives),
  unreachable: new SqsJobs(deaf.sqs, { queue: storage.queue, deadLetterQueue: storage.deadLetters }),
  dropsTwins: false,
  gaps: {},
});

if ('missing' in database) {
  t.test('records in DynamoDB', { skip: database.missing }, () => {});
} else {
  t.teardown(() => database.stop());
  await recordsSuite(t, 'records in DynamoDB', {
    records: new DynamoRecords(database.dynamodb, database.table),
    unreachable: new DynamoRecords(deaf.dynamodb, database.table),
    gaps: {},
  });
}
