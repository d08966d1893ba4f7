import type { Test } from 'tap';
import { openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { call, form, keysOf, noise, type UploadAnswer } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { spawnServer } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';
import { spawnWarmer } from '../support/warmer.ts';

const AT_ONCE = 3;

/** Uploads one after the other until the server is gone; adds the ids that were answered with 202. */
async function uploadOn(base: string, seed: number, accepted: string[]): Promise<void> {
  for (let n = 0; ; n++) {
    const parts = [
      ['variants', '["w=16&fmt=webp"]'],
      ['file', await noise(64, 48, seed * 1000 + n)],
    ] as const;
    const answer = await call<UploadAnswer>({ base }, 'POST', '/api/images', form(parts)).catch(
      () => undefined,
    );
    if (answer?.status !== 202) return;
    accepted.push(answer.body.id);
  }
}

/** Kills a server while it takes uploads in: it loses none that it accepted. */
export async function killedAmidUploads(t: Test, rounds: number): Promise<void> {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const env = { DATA_DIR: folder, API_RATE_PER_MINUTE: '0', SWEEP_SECONDS: '1', VISIBILITY_SECONDS: '1' };
  const accepted: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const server = await spawnServer(env);
    const before = accepted.length;
    const uploads = Array.from({ length: AT_ONCE }, (_, n) =>
      uploadOn(server.base, round * AT_ONCE + n, accepted),
    );
    // Each time at another moment of the uploads that are under way.
    await waitFor(() => accepted.length > before + 3 * round);
    await server.end('SIGKILL');
    await Promise.all(uploads);
  }
  const server = await spawnServer(env);
  t.teardown(() => server.end('SIGTERM'));
  const warmer = await spawnWarmer(env);
  t.teardown(() => warmer.end('SIGTERM'));
  t.comment(`${accepted.length} accepted, ${rounds} kills`);
  t.ok(accepted.length >= rounds);
  const stores = await openStores(loadConfig(env));
  t.teardown(() => stores.close());
  for (const id of accepted)
    await waitFor(async () => (await stores.records.images.get(id))?.status === 'completed');
  const originals = await keysOf(stores.originals);
  t.same(
    accepted.filter((id) => !originals.includes(id)),
    [],
    'every accepted original is there',
  );
  const unknown: string[] = [];
  for (const id of originals) if (!(await stores.records.images.get(id))) unknown.push(id);
  t.same(unknown, [], 'and no object that no record knows of');
}
