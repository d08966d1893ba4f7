/** One of the processes that ask, see generator.ts: URL, connections, seconds; it sends the number of answers. */
import { Wire } from './wire.ts';

const [url = '', connections = '8', seconds = '2'] = process.argv.slice(2);
const { port, pathname, search } = new URL(url);
const until = performance.now() + Number(seconds) * 1000;
let answers = 0;

async function ask(): Promise<void> {
  const wire = await Wire.connect(Number(port));
  while (performance.now() < until) {
    await wire.get(pathname + search);
    answers += 1;
  }
  wire.close();
}

await Promise.all(Array.from({ length: Number(connections) }, ask));
process.send?.(answers);
process.disconnect();
