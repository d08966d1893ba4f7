import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { createTable } from '../../server/stores/dynamodb/schema.ts';
import { identity } from './emulators.ts';
import { freePort } from './ports.ts';

export interface RecordsEmulator {
  endpoint: string;
  dynamodb: DynamoDBClient;
  /** Made, and empty. */
  table: string;
  stop(): Promise<void>;
}

/** DynamoDB over the wire, in a child process, in memory. On platforms that it is not built for: why not. */
export async function startRecords(): Promise<RecordsEmulator | { missing: string }> {
  const binary = dynoxide();
  if (binary === undefined) return { missing: '@dynoxide/linux-x64 is not installed on this platform' };
  // With port 0 it does not say which one it got.
  const port = await freePort();
  // The shell ends its child when our end of the pipe closes, however this process ends.
  const script = '"$0" serve --port "$1" & child=$!; cat > /dev/null; kill -9 $child; wait $child';
  const child = spawn('/bin/sh', ['-c', script, binary, String(port)], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const dynamodb = new DynamoDBClient({ ...identity, endpoint });
  const stop = async () => {
    dynamodb.destroy();
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  };
  try {
    await answers(dynamodb);
    await createTable(dynamodb, 'records');
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, dynamodb, table: 'records', stop };
}

function dynoxide(): string | undefined {
  try {
    const manifest = fileURLToPath(import.meta.resolve('@dynoxide/linux-x64/package.json'));
    return process.platform === 'linux' && process.arch === 'x64'
      ? join(dirname(manifest), 'dynoxide')
      : undefined;
  } catch {
    return undefined;
  }
}

async function answers(client: DynamoDBClient): Promise<void> {
  for (const end = Date.now() + 180_000; ; ) {
    try {
      await client.send(new ListTablesCommand({}));
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(50);
    }
  }
}
