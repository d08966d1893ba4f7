import { bucketName, prefixOf, tableName } from '../names.ts';
import { bad, type Finding, good, type Patient, unread } from './finding.ts';

/** Whether buckets and table are there and may be read. */
export function stores({ aws, prefix, account, settings }: Patient): Finding[] {
  const originals = settings.originals_bucket || bucketName(prefix, 'originals', account);
  const buckets = [originals, bucketName(prefix, 'results', account)].map((name) => {
    const region = aws.ask<string>('s3api', 'head-bucket', ['--bucket', name], 'BucketRegion');
    if (region === undefined) return unread(`bucket ${name}`);
    return region === settings.region
      ? good(`bucket ${name}`)
      : bad(`bucket ${name} is in ${region}, the stage in ${settings.region}`);
  });
  const name = tableName(settings.replica_of ? prefixOf(settings.replica_of) : prefix);
  const status = aws.ask<string>('dynamodb', 'describe-table', ['--table-name', name], 'Table.TableStatus');
  if (status === undefined) return [...buckets, unread(`table ${name}`)];
  return [...buckets, (status === 'ACTIVE' ? good : bad)(`table ${name}: ${status}`)];
}
