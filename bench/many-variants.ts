import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { storeWithSample } from './hits.ts';
import { type Program, startProgram } from './program.ts';
import { type Row, ratio } from './stats.ts';

const COUNTS = [20, 2000] as const;
const CALLS = 40;

/** CPU ms of the server for one call, the mean of some. */
async function costOf(server: Program, method: string, path: string): Promise<number> {
  const before = server.cpuMs();
  for (let call = 0; call < CALLS; call++) {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  }
  return (server.cpuMs() - before) / CALLS;
}

/** Status (a page of 100) and purge of an image with 2,000 variants, against one with 20. */
export async function manyVariants(): Promise<Row[]> {
  const folder = await storeWithSample('few');
  const env = { DATA_DIR: folder };
  const stores = await openStores(loadConfig(env));
  const original = await stores.originals.get('few');
  await stores.originals.put('many', (await original?.bytes()) ?? Buffer.alloc(0), {
    contentType: 'image/jpeg',
  });
  const server = await startProgram(['server/main.ts'], /"ready":true/, env);
  const ids = ['few', 'many'] as const;
  for (const [index, count] of COUNTS.entries()) {
    const id = ids[index] ?? '';
    await costOf(server, 'POST', `/api/images/${id}/purge`);
    const version = (await stores.records.images.get(id))?.version ?? '';
    const names = Array.from({ length: count }, (_, n) => `fmt=webp&w=${100 + n}`);
    await stores.records.variants.queue(id, version, names);
  }
  const rows: Row[] = [];
  for (const [what, method, action] of [
    ['status', 'GET', 'status'],
    ['purge', 'POST', 'purge'],
  ] as const) {
    const [few = 0, many = 0] = [
      await costOf(server, method, `/api/images/few/${action}`),
      await costOf(server, method, `/api/images/many/${action}`),
    ];
    rows.push({
      what: `${what}, 2,000 variants`,
      figure: `${many.toFixed(1)} ms of CPU; 20 variants ${few.toFixed(1)} ms, ${ratio(many / few)}`,
    });
  }
  await server.stop();
  stores.close();
  return rows;
}
