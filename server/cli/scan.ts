import { refusalOf, STAGED } from '../core/query/id.ts';
import type { ObjectFacts, Objects } from '../stores/objects.ts';
import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS } from './deployment.ts';
import { openLocal, withStores } from './local.ts';
import type { Output } from './output.ts';

const PAGE = 1000;
/** Keys that are named for each reason; a bucket may have millions. */
const EXAMPLES = 3;

export interface Scan {
  /** Of all objects, those that wait to be taken in not counted. */
  readonly objects: number;
  readonly servable: number;
  /** By reason: how many, and the first of them. */
  readonly unservable: Readonly<
    Record<string, { readonly count: number; readonly first: readonly string[] }>
  >;
}

/** Looks at every key of a bucket of originals and says which ones cannot be served; changes nothing. */
export async function scanKeys(originals: Pick<Objects, 'list'>): Promise<Scan> {
  const unservable: Record<string, { count: number; first: string[] }> = {};
  let objects = 0;
  let servable = 0;
  let cursor: string | undefined;
  do {
    const page = { prefix: '', limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const { items, next } = await originals.list(page);
    for (const { key } of items.filter((item) => !item.key.startsWith(STAGED))) {
      objects += 1;
      const reason = refusalOf(key);
      if (reason === undefined) {
        servable += 1;
        continue;
      }
      const { count, first } = unservable[reason] ?? { count: 0, first: [] };
      unservable[reason] = { count: count + 1, first: [...first, key].slice(0, EXAMPLES) };
    }
    cursor = next;
  } while (cursor !== undefined);
  return { objects, servable, unservable };
}

/** The report as it is printed; keys as JSON, since what is wrong with them may not be visible. */
export function scanText({ objects, servable, unservable }: Scan): string {
  const lines = Object.entries(unservable).map(([reason, { count, first }]) => {
    const more = count > first.length ? ', …' : '';
    return `${count} not: ${reason} (${first.map((key) => JSON.stringify(key)).join(', ')}${more})`;
  });
  return [`${objects} objects, ${servable} can be served`, ...lines].join('\n');
}

/** Makes images of originals that no record tells of, or tells of as others; resolves to how many. */
async function register(data: string | undefined, output: Output): Promise<number> {
  const { stores, management, close } = await openLocal(data, false);
  let registered = 0;
  try {
    for await (const { key, etag } of servable(stores.originals)) {
      try {
        if ((await stores.records.images.get(key))?.version === etag) continue;
        await management.reconciler.reconcile(key);
        registered += 1;
      } catch (error) {
        output.failed(key, error);
      }
    }
  } finally {
    await close();
  }
  return registered;
}

async function* servable(originals: Pick<Objects, 'list'>): AsyncGenerator<ObjectFacts> {
  let cursor: string | undefined;
  do {
    const { items, next } = await originals.list({
      prefix: '',
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    });
    yield* items.filter(({ key }) => !key.startsWith(STAGED) && refusalOf(key) === undefined);
    cursor = next;
  } while (cursor !== undefined);
}

export const scan = command({
  name: 'scan',
  summary: 'Looks at every key of the originals and says which ones cannot be served.',
  about: 'On the stores that the settings name. Changes nothing without --register.',
  options: {
    register: {
      doc: 'Makes images of originals that no record tells of, or tells of as others: after a restore, or without any backup of the records.',
    },
    data: DEPLOYMENT_OPTIONS.data,
    json: JSON_OPTION,
  },
  examples: ['scan', 'scan --register'],
  run: async ({ values: { data, register: registers }, output }) => {
    const scanned = await withStores(data, ({ originals }) => scanKeys(originals));
    const registered = registers ? await register(data, output) : undefined;
    const text = registered === undefined ? '' : `\n${registered} registered`;
    output.result({ ...scanned, registered }, scanText(scanned) + text);
  },
});
