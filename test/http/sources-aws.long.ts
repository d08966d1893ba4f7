import t, { type Test } from 'tap';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { importFlows } from '../warmer/imports.ts';
import { overtakenFlows } from '../warmer/overtaken.ts';
import { sourceFlows } from './sources.ts';

/** New ones for each test: the ids are the same. */
async function stores(t: Test): Promise<Record<string, string>> {
  const env = await emulated(t, await startRecords());
  if (!env) throw new Error('There was a DynamoDB a moment ago.');
  return { ...env, VISIBILITY_SECONDS: '5' };
}

const records = await startRecords();
if ('missing' in records) t.pass('needs DynamoDB', { skip: records.missing });
else {
  await records.stop();
  importFlows(t, stores);
  sourceFlows(t, stores);
  overtakenFlows(t, stores);
}
