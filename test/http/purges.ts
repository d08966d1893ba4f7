import type { Test } from 'tap';
import { corpus } from '../support/corpus.ts';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { startServer } from '../support/server.ts';

/** Each purge raises the generation of the same record on DynamoDB, so that all but one of them meet a conflict. */
export async function purgedAtOnce(t: Test, count: number): Promise<void> {
  const env = await emulated(t, await startRecords());
  if (!env) return;
  const server = await startServer(env);
  t.teardown(() => server.close());
  await server.put('a.jpg', await corpus('samples/ladybug.jpg'));
  const purges = Array.from({ length: count }, () =>
    fetch(`${server.base}/api/images/a.jpg/purge`, { method: 'POST' }),
  );
  const statuses = (await Promise.all(purges)).map(({ status }) => status);
  t.same([...new Set(statuses)], [200]);
  t.match(await server.stores.records.images.get('a.jpg'), { generation: count, status: 'completed' });
}
