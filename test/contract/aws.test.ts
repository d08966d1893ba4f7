import t from 'tap';
import { DynamoRecords } from '../../server/stores/dynamodb/records.ts';
import { SqsJobs } from '../../server/stores/sqs/jobs.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { deafClients, startStorage } from '../support/emulators.ts';
import { freshJobs, s3Suite } from './aws.ts';
import { jobsSuite } from './jobs.suite.ts';
import { recordsSuite } from './records.suite.ts';

// All before the first test: tap ends when it finds none waiting.
const [storage, database] = await Promise.all([startStorage(), startRecords()]);
t.teardown(() => storage.stop());
const deaf = deafClients();

void s3Suite(t, storage, 30);

void jobsSuite(t, 'jobs in SQS', {
  fresh: (options) => freshJobs(storage.sqs, options.maxReceives),
  unreachable: new SqsJobs(deaf.sqs, { queue: storage.queue, deadLetterQueue: storage.deadLetters }),
  dropsTwins: false,
  gaps: {},
});

if ('missing' in database) {
  t.test('records in DynamoDB', { skip: database.missing }, () => {});
} else {
  t.teardown(() => database.stop());
  void recordsSuite(t, 'records in DynamoDB', {
    records: new DynamoRecords(database.dynamodb, database.table),
    unreachable: new DynamoRecords(deaf.dynamodb, database.table),
    gaps: {},
  });
}
