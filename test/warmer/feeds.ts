import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Feeds } from '../../server/feeds/feeds.ts';
import { FeedStates } from '../../server/feeds/state.ts';
import type { Stores } from '../../server/stores/stores.ts';
import { call, noise } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { remoteServer } from '../support/remote.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { createWarmer, isDrained } from '../support/warmer.ts';

export interface FeedView {
  name: string;
  status: string;
  nextRun: string | null;
  run: {
    startedAt: string;
    seen: number;
    new: number;
    changed: number;
    pending: number;
    vanished: number;
    failed: number;
    reasons: { from: string; error: string }[];
    error: string | null;
    held: { vanished: number; of: number; examples: string[] } | null;
  } | null;
}

/** A deployment that watches feeds, beside a server of somebody else. */
export async function watched(t: Test, env: Record<string, string> = {}) {
  const DATA_DIR = await temporaryFolder();
  t.teardown(() => removeFolder(DATA_DIR));
  const remote = await remoteServer(t);
  const watch = join(DATA_DIR, 'imports.json');
  const all = {
    DATA_DIR,
    WATCH: watch,
    IMPORT_HOSTS: remote.base,
    IMPORT_PRIVATE: '1',
    IMPORT_RATE_PER_MINUTE: '0',
    SWEEP_SECONDS: '1',
    VISIBILITY_SECONDS: '1',
    ...env,
  };
  const server = await startServer(all);
  t.teardown(() => server.close());
  const write = (...feeds: object[]) => writeFile(watch, JSON.stringify({ feeds }));
  const look = async () => {
    const warmer = await createWarmer(all);
    await warmer.watching?.run();
    await warmer.watching?.stop();
    await warmer.close();
  };
  return {
    env: all,
    DATA_DIR,
    remote,
    server,
    write,
    watch,
    look,
    round: (alter?: Alter) => round(all, alter),
  };
}

type Alter = (stores: Stores) => Stores;

/**
 * A watcher looks and warmers do what that came to, until nothing is pending: on a busy machine a job may not be sent in
 * time, and is the sweep's then.
 */
async function round(env: Record<string, string>, alter?: Alter): Promise<void> {
  let isPending = true;
  await waitFor(async () => {
    const warmer = await createWarmer(env, alter);
    try {
      await warmer.watching?.run();
      await warmer.rounds.run();
      const { jobs, records } = warmer.stores;
      await warmer.until(() => isDrained({ jobs }));
      await warmer.watching?.run();
      const { feeds = [] } =
        (await new Feeds(new FeedStates(records.progress), () => new Date()).list()) ?? {};
      isPending = feeds.some(({ state }) => (state?.summary.pending ?? 0) > 0);
    } finally {
      await warmer.watching?.stop();
      await warmer.close();
    }
    return !isPending;
  });
}

export const feedsOf = async (server: TestServer): Promise<FeedView[]> =>
  (await call<{ items: FeedView[] }>(server, 'GET', '/api/feeds')).body.items;

export async function feedOf(server: TestServer, name: string): Promise<FeedView> {
  const found = (await feedsOf(server)).find((one) => one.name === name);
  if (!found) throw new Error(`No feed ${name}.`);
  return found;
}

export const ask = (server: TestServer, name: string, query = '') =>
  call<FeedView>(server, 'POST', `/api/feeds/${name}/run${query}`);

export async function idsOf({ stores }: TestServer): Promise<string[]> {
  return (await stores.records.images.list({ limit: 1000 })).items.map(({ id }) => id).sort();
}

/** A picture of its own for each number. */
export const picture = (seed: number): Promise<Buffer> => noise(30, 20, seed);
