import t from 'tap';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { killedRuns } from './feeds-kills.ts';

/** A message that the sweep sends again may have been received by several short-lived warmers. */
const maxReceives = 100;

const records = await startRecords();
if ('missing' in records) t.pass('needs DynamoDB', { skip: records.missing });
else {
  await records.stop();
  t.test(
    'over S3, DynamoDB and SQS a run that was killed after any of its writes goes on where it was',
    (t) => killedRuns(t, async () => (await emulated(t, await startRecords(), { maxReceives })) ?? {}),
  );
}
