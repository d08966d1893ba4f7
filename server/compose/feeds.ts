import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { MAX_DEFINITION_BYTES, readFeeds } from '../feeds/definition.ts';
import { HttpSource } from '../feeds/http-source.ts';
import { type Foreign, ObjectSource } from '../feeds/object-source.ts';
import { FeedStates } from '../feeds/state.ts';
import { Vanishing } from '../feeds/vanishing.ts';
import { Watcher } from '../feeds/watcher.ts';
import { Problem } from '../shared/errors.ts';
import type { Stores } from '../stores/stores.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { readWarmRequest } from '../warming/warm-request.ts';
import type { Management } from '../writing/management.ts';
import type { Core } from './core.ts';
import { feedReports } from './feed-reports.ts';
import { composeRemote } from './remote.ts';
import { openForeign } from './stores.ts';

/** Each once; what could not be opened is tried again. */
function opened(open: (from: string, role?: string) => Promise<Foreign>) {
  const all = new Map<string, Promise<Foreign>>();
  return (from: string, role?: string): Promise<Foreign> => {
    const key = JSON.stringify([from, role]);
    const found = all.get(key) ?? open(from, role);
    all.set(key, found);
    found.catch(() => all.delete(key));
    return found;
  };
}

/**
 * Reads the list of feeds: a file, or `s3://bucket/key`.
 *
 * @throws Problem `invalid_feed` for one that is not there or too large; that of the bucket
 */
async function readList(watch: string, open: (from: string) => Promise<Foreign>): Promise<string> {
  if (!watch.startsWith('s3://')) {
    const facts = await stat(watch).catch((error: unknown) => unreadable(watch, 'cannot be read', error));
    checkSize(watch, facts.size);
    return readFile(watch, 'utf8');
  }
  const { objects, prefix: key } = await open(watch);
  const object = (await objects.get(key)) ?? unreadable(watch, 'is not there');
  try {
    checkSize(watch, object.size);
    return (await object.bytes()).toString();
  } finally {
    object.body.destroy();
  }
}

function checkSize(watch: string, bytes: number): void {
  if (bytes > MAX_DEFINITION_BYTES)
    unreadable(watch, `has ${bytes} bytes, of ${MAX_DEFINITION_BYTES} that it may have`);
}

function unreadable(watch: string, why: string, cause?: unknown): never {
  throw new Problem('invalid_feed', `The list of feeds, ${watch}, ${why}.`, { received: watch }, cause);
}

/** @param watch  where the list of feeds lies, see readList */
export function composeWatcher(
  config: Config,
  { records, originals }: Pick<Stores, 'records' | 'originals'>,
  {
    watch,
    renderer,
    management,
    log,
    metrics,
  }: Pick<Core, 'renderer'> & {
    watch: string;
    management: Management;
    log: Logger;
    metrics: Metrics;
  },
): Watcher {
  const { presets } = config;
  const { imports, uploads, library } = management;
  const now = () => new Date();
  const states = new FeedStates(records.progress);
  const http = new HttpSource({ imports, remote: composeRemote(config) });
  const isFree = async (id: string) => !(await records.images.get(id)) && !(await originals.head(id));
  const open = opened((from, role) => openForeign(config, from, role));
  const objects = new ObjectSource({
    isFree,
    imageOf: (id) => records.images.get(id),
    uploads,
    library,
    open: ({ from, role }) => open(from, role),
  });
  const check = (canonical: string) => renderer.check(canonical);
  return new Watcher({
    feeds: async () => {
      const text = await readList(watch, open);
      return readFeeds(text, (variants) => readWarmRequest({ variants }, { presets, check }));
    },
    sources: { sitemap: http, rss: http, json: http, s3: objects, folder: objects },
    states,
    records,
    library,
    vanishing: new Vanishing({ states, records, library, now }),
    now,
    ...feedReports({ log, metrics }),
  });
}
