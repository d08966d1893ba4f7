import type { Test } from 'tap';
import { type Mortal, mortal } from '../crash/steps/mortal.ts';
import { waitFor } from '../support/wait.ts';
import { createWarmer } from '../support/warmer.ts';
import { feedOf, feedsOf, idsOf, picture, watched } from './feeds.ts';

/**
 * Kills the run of a feed after each of its writes: the next one goes on where it was, and asks for nothing twice.
 *
 * @param stores  settings of new ones for each kill, beside those of a folder
 */
export async function killedRuns(t: Test, stores: () => Promise<Record<string, string>>): Promise<void> {
  const numbers = [1, 2, 3];
  let isWhole = false;
  for (let k = 1; !isWhole; k++) {
    const { env, remote, server, write, round } = await watched(t, await stores());
    for (const n of numbers) remote.picture(`/${n}.jpg`, await picture(n));
    const urls = numbers.map((n) => `${remote.base}/${n}.jpg`);
    remote.picture('/list', Buffer.from(JSON.stringify(urls)));
    await write({ name: 'f', kind: 'json', path: '$[*]', from: `${remote.base}/list`, prefix: '' });
    isWhole = (await killedLook(env, k)) < k;
    // The dead watcher's lease has to end.
    await waitFor(async () => {
      await round();
      return (await feedsOf(server)).some(({ status, run }) => status === 'ok' && run?.pending === 0);
    });
    const expected = { seen: 3, new: 3, changed: 0, failed: 0 };
    t.match((await feedOf(server, 'f')).run, expected, `after write ${k}`);
    t.same(await idsOf(server), ['1.jpg', '2.jpg', '3.jpg']);
    const fetched = remote.requests.filter(({ path }) => path !== '/list');
    t.same(fetched.map(({ path }) => path).sort(), ['/1.jpg', '/2.jpg', '/3.jpg'], 'each was fetched once');
  }
}

/** A look at the feeds by a watcher that is killed after its k-th write; how many writes it came to. */
export async function killedLook(env: Record<string, string>, k: number): Promise<number> {
  let doomed: Mortal | undefined;
  const warmer = await createWarmer(env, (stores) => {
    doomed = mortal(stores, k);
    return doomed.stores;
  });
  await warmer.watching?.run();
  await warmer.close();
  return doomed?.writes() ?? 0;
}
