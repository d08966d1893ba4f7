import http from 'node:http';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly latencies: readonly number[];
}

function once(agent: http.Agent, url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url.pathname}: ${response.statusCode}`));
        response.on('data', () => {}).on('end', resolve);
      })
      .on('error', reject);
  });
}

/** Keep-alive GETs of one URL over `connections` for `seconds`, bounded in number too. */
export async function load(
  url: string,
  connections: number,
  seconds: number,
  most = 200_000,
): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const target = new URL(url);
  const latencies: number[] = [];
  const started = performance.now();
  const until = started + seconds * 1000;
  const worker = async () => {
    while (performance.now() < until && latencies.length < most) {
      const before = performance.now();
      await once(agent, target);
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const elapsed = (performance.now() - started) / 1000;
  agent.destroy();
  return { requests: latencies.length, perSecond: latencies.length / elapsed, latencies };
}
