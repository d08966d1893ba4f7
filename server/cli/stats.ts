import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS, type Deployment, openDeployment } from './deployment.ts';

interface Listed {
  readonly items: readonly {
    readonly status: string;
    readonly original: { readonly bytes: number } | null;
  }[];
  readonly next: string | null;
}

async function* pagesOf(deployment: Deployment, path: string): AsyncGenerator<Listed['items']> {
  let cursor = '';
  do {
    // The shape that the API's own schema gives it.
    const page = (await deployment.call('GET', `${path}?limit=100${cursor}`)) as Listed;
    yield page.items;
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`;
  } while (cursor);
}

export const stats = command({
  name: 'stats',
  summary: 'Counts images by status, their bytes and collections, and the jobs that wait.',
  about: 'Jobs are counted where the stores are those of the settings; the API does not say them.',
  options: { ...DEPLOYMENT_OPTIONS, json: JSON_OPTION },
  examples: ['stats', 'stats --url https://images.example.com'],
  run: async ({ values, output }) => {
    const deployment = await openDeployment(values);
    try {
      const status: Record<string, number> = {};
      let [images, originalBytes, collections] = [0, 0, 0];
      for await (const items of pagesOf(deployment, '/api/images')) {
        images += items.length;
        for (const item of items) {
          status[item.status] = (status[item.status] ?? 0) + 1;
          originalBytes += item.original?.bytes ?? 0;
        }
      }
      for await (const items of pagesOf(deployment, '/api/collections')) collections += items.length;
      const jobs = await deployment.stores?.jobs.depth();
      const counts = Object.entries(status).map(([name, count]) => `  ${name}: ${count}`);
      const waiting = jobs && `jobs: ${jobs.ready} waiting, ${jobs.inFlight} at work, ${jobs.dead} given up`;
      const lines = [`images: ${images}`, ...counts, `originals: ${originalBytes} bytes`];
      lines.push(`collections: ${collections}`, ...(waiting ? [waiting] : []));
      output.result({ images, status, originalBytes, collections, ...(jobs && { jobs }) }, lines.join('\n'));
    } finally {
      await deployment.close();
    }
  },
});
