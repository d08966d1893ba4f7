import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { call, form, keysOf, noise, type UploadAnswer } from '../support/api.ts';
import { spawnServer } from '../support/process.ts';
import { temporaryFolder } from '../support/server.ts';

const ROUNDS = 3;
const AT_ONCE = 3;

function spawnWarmer(t: Test, env: Record<string, string>) {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, ['warmer/main.ts'], {
    cwd,
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  t.teardown(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
}

/** Uploads one after the other until the server is gone; ids that were answered with 202. */
async function uploadOn(base: string, seed: number): Promise<string[]> {
  const accepted: string[] = [];
  for (let n = 0; ; n++) {
    const parts = [
      ['variants', '["w=16&fmt=webp"]'],
      ['file', await noise(64, 48, seed * 1000 + n)],
    ] as const;
    const answer = await call<UploadAnswer>({ base }, 'POST', '/api/images', form(parts)).catch(
      () => undefined,
    );
    if (answer?.status !== 202) return accepted;
    accepted.push(answer.body.id);
  }
}

t.test('a server that is killed while it takes uploads in loses none that it accepted', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const env = { DATA_DIR: folder, API_RATE_PER_MINUTE: '0', SWEEP_SECONDS: '1', VISIBILITY_SECONDS: '1' };
  const accepted: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const server = await spawnServer(env);
    const uploads = Array.from({ length: AT_ONCE }, (_, n) => uploadOn(server.base, round * AT_ONCE + n));
    await new Promise((resolve) => setTimeout(resolve, 300 + 70 * round));
    await server.end('SIGKILL');
    accepted.push(...(await Promise.all(uploads)).flat());
  }
  const server = await spawnServer(env);
  t.teardown(() => server.end('SIGTERM'));
  spawnWarmer(t, env);
  t.comment(`${accepted.length} accepted, ${ROUNDS} kills`);
  t.ok(accepted.length > ROUNDS);
  for (const id of accepted) {
    const { body } = await call(server, 'GET', `/api/images/${id}/status?wait=30`);
    if (body['status'] !== 'completed') t.fail(`${id}: ${JSON.stringify(body)}`);
  }
  const stores = await openStores(loadConfig(env));
  t.teardown(() => stores.close());
  const originals = await keysOf(stores.originals);
  t.same(
    accepted.filter((id) => !originals.includes(id)),
    [],
    'every accepted original is there',
  );
  const unknown: string[] = [];
  for (const id of originals) if (!(await stores.records.image(id))) unknown.push(id);
  t.same(unknown, [], 'and no object that no record knows of');
});
