import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS, type Deployment, openDeployment } from './deployment.ts';
import { each } from './each.ts';
import { secondsOf, statusOf, tellStatus, WAIT } from './images.ts';
import type { Output } from './output.ts';

/** Addresses of one call: their answer comes within seconds, and a bar moves. */
const BATCH = 100;

interface Item {
  readonly url: string;
  readonly id: string;
}

/** What the API says of one, in the shape of its own schema. */
interface Answered {
  readonly id?: string;
  readonly status?: string;
  readonly problem?: { readonly detail: string };
}

/** `URL` or `URL ID`; undefined for an empty line and one that begins with `#`. */
function readLine(line: string, prefix: string): Item | undefined {
  const [url = '', ...rest] = line.trim().split(/\s+/);
  if (url === '' || url.startsWith('#')) return undefined;
  return { url, id: prefix + (rest.length > 0 ? rest.join(' ') : idOf(url)) };
}

/** The path of the address, as it is called there. */
function idOf(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname.replace(/^\/+/, '') : '';
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

async function itemsOf(
  operands: readonly string[],
  prefix: string,
  input: NodeJS.ReadableStream,
): Promise<Item[]> {
  const items: Item[] = [];
  for (const operand of operands) {
    const isUrl = /^[a-z][\w+.-]*:\/\//i.test(operand);
    const lines = isUrl
      ? [operand]
      : createInterface({ input: operand === '-' ? input : createReadStream(operand) });
    for await (const line of lines)
      items.push(...[readLine(line, prefix)].filter((item) => item !== undefined));
  }
  return items;
}

interface Told {
  readonly variants: readonly string[];
  readonly collection: string | undefined;
}

/** Tells of those that are refused; resolves to the ids of the others. */
async function request(
  deployment: Deployment,
  items: readonly Item[],
  told: Told,
  output: Output,
): Promise<string[]> {
  const ids: string[] = [];
  for (let start = 0; start < items.length; start += BATCH) {
    const batch = items.slice(start, start + BATCH);
    const urls = batch.map((item) => ({ ...item, ...told }));
    // The shape that the API's own schema gives it.
    const { images } = (await deployment.call('POST', '/api/images/import', { json: { urls } })) as {
      images: Answered[];
    };
    for (const [index, { id, problem }] of images.entries()) {
      if (id === undefined) output.failed(batch[index]?.url ?? '', new Error(problem?.detail ?? 'refused'));
      else ids.push(id);
    }
    output.progress(start + batch.length, items.length);
  }
  return ids;
}

export const importUrls = command({
  name: 'import',
  summary: 'Has originals fetched from addresses by the warmers of a deployment.',
  about:
    'Reads addresses from files, one a line, each with an id behind it or called by its path. The same list once more fetches nothing anew. The deployment names the hosts (IMPORT_HOSTS).',
  operand: {
    name: 'FILE|URL',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    doc: 'Lists of addresses, or addresses; - reads a list from the input.',
  },
  options: {
    prefix: { value: 'PREFIX', doc: 'Put before every id, as products/.' },
    collection: { value: 'ID', doc: 'Collection that they get into.' },
    variants: {
      value: 'QUERY',
      isRepeatable: true,
      doc: 'Variants to warm: w=800&fmt=webp, or p=card for a preset.',
    },
    wait: WAIT,
    ...DEPLOYMENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    'import https://cdn.example.com/shoe.jpg --variants p=card --wait 60',
    'import urls.txt --prefix old/ --url https://images.example.com',
  ],
  run: async ({ operands, values, output }) => {
    const { prefix = '', variants, collection, wait } = values;
    const seconds = secondsOf(wait);
    const items = await itemsOf(operands, prefix, output.input);
    const deployment = await openDeployment(values, true);
    try {
      const ids = await request(deployment, items, { variants, collection }, output);
      await each(ids, output, async (id) => tellStatus(await statusOf(deployment, id, seconds), output));
    } finally {
      await deployment.close();
    }
  },
});
