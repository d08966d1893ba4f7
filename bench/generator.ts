import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Two processes: one in JavaScript is slower than the server that it asks. */
const PROCESSES = 2;

/** wrk, where it is installed: it costs a tenth of what a client in JavaScript does. */
const WRK = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'wrk'))
  .find((path) => existsSync(path));

export const GENERATOR = WRK ? 'wrk' : `${PROCESSES} Node processes`;

/** Keep-alive GETs of one URL; resolves to how many were answered with 200. @throws Error when another status came */
export async function drive(
  url: string,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<number> {
  return WRK ? byWrk(WRK, url, connections, seconds) : byNode(url, connections, seconds);
}

async function byWrk(wrk: string, url: string, connections: number, seconds: number): Promise<number> {
  const { stdout } = await run(wrk, [
    `-t${Math.min(PROCESSES, connections)}`,
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '30s',
    url,
  ]);
  if (/Non-2xx/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  return Number(/(\d+) requests in/.exec(stdout)?.[1]);
}

async function byNode(url: string, connections: number, seconds: number): Promise<number> {
  const laps = Array.from({ length: Math.min(PROCESSES, connections) }, async () => {
    const child = fork(new URL('./generator-process.ts', import.meta.url), [
      url,
      String(Math.ceil(connections / PROCESSES)),
      String(seconds),
    ]);
    const [count] = (await once(child, 'message')) as [number];
    return count;
  });
  return (await Promise.all(laps)).reduce((sum, count) => sum + count, 0);
}
