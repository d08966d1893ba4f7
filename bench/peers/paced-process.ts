/** Asks for one URL at a steady rate, whether or not those before are answered: URL, requests a second, seconds; sends latencies in ms. */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [url = '', perSecond = '100', seconds = '5'] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });
const wanted = Number(perSecond) * Number(seconds);

function timed(due: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      response.on('data', () => undefined).on('end', () => resolve(performance.now() - due));
    });
    request.on('error', reject);
  });
}

const pending: Promise<number>[] = [];
const started = performance.now();
while (pending.length < wanted) {
  const due = Math.min(wanted, Math.floor(((performance.now() - started) / 1000) * Number(perSecond)));
  while (pending.length < due) pending.push(timed(performance.now()));
  await sleep(1);
}
process.send?.(await Promise.all(pending));
process.disconnect();
