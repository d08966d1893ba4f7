import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Paced {
  readonly ms: readonly number[];
  /** 0: the connection broke off. */
  readonly statuses: readonly number[];
}

export interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Requests that are sent on time, whether or not those before are answered.
 *
 * @param urlOf  the URL of a request, by its number
 */
export async function paced(
  urlOf: (number: number) => string,
  { perSecond, seconds, headers = {} }: Pace,
): Promise<Paced> {
  const agent = new http.Agent({ keepAlive: true });
  const pending: ReturnType<typeof timed>[] = [];
  const started = performance.now();
  const all = Math.round(perSecond * seconds);
  while (pending.length < all) {
    const due = Math.min(all, Math.floor(((performance.now() - started) / 1000) * perSecond));
    while (pending.length < due) pending.push(timed(urlOf(pending.length), agent, headers));
    await sleep(1);
  }
  const answers = await Promise.all(pending);
  agent.destroy();
  return { ms: answers.map(({ ms }) => ms), statuses: answers.map(({ status }) => status) };
}

function timed(
  url: string,
  agent: http.Agent,
  headers: Readonly<Record<string, string>>,
): Promise<{ ms: number; status: number }> {
  const before = performance.now();
  return new Promise((resolve) => {
    const answered = (status: number) => resolve({ ms: performance.now() - before, status });
    const request = http.get(url, { agent, headers }, (response) => {
      response.resume().on('end', () => answered(response.statusCode ?? 0));
    });
    request.on('error', () => answered(0));
  });
}
