import type { Test } from 'tap';
import { startRecords } from '../../support/emulators.dynamodb.ts';
import { startStorage, storeSettings, useKeys } from '../../support/emulators.ts';

/** A message that the sweep sends again may have been received by several short-lived warmers. */
const RECEIVES = 100;

/** Work over S3, DynamoDB and SQS that nobody else uses; undefined, and told, where there is no DynamoDB. */
export async function onAws<T>(
  t: Test,
  work: (stores: Record<string, string>) => Promise<T>,
): Promise<T | undefined> {
  const records = await startRecords();
  if ('missing' in records) return void t.pass('needs DynamoDB', { skip: records.missing });
  const storage = await startStorage({ maxReceives: RECEIVES });
  useKeys();
  try {
    return await work(storeSettings(storage, records));
  } finally {
    await storage.stop();
    await records.stop();
  }
}
