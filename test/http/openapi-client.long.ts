import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { noise, playWarmer } from '../support/api.ts';
import { runBare } from '../support/command.ts';
import { API_TOKENS, TOKEN } from '../support/env.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const FIXTURE = new URL('openapi-client', import.meta.url);

const folder = mkdtempSync(join(tmpdir(), 'rendition-openapi-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
cpSync(FIXTURE, folder, { recursive: true });

/** Why the generators are not here: they are of another TypeScript than ours, and no packages of this tree. */
const missing = await runBare('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], folder).then(
  () => false as const,
  (error: Error) => `npm cannot install the generators: ${error.message}`,
);

let server: TestServer;
t.before(async () => {
  server = await startServer({ API_TOKENS });
  writeFileSync(join(folder, 'openapi.json'), await (await server.get('/openapi.json')).text());
  writeFileSync(join(folder, 'rose.jpg'), await noise(60, 40));
});
t.teardown(() => server.close());

/** What a program prints that uploads under an id, waits until it is ready, and reads. */
async function printed(program: string, id: string): Promise<unknown> {
  const args = ['--experimental-strip-types', program, server.base, TOKEN, 'rose.jpg'];
  const running = runBare(process.execPath, args, folder);
  await waitFor(async () => (await server.stores.records.variants.list(id)).length > 0);
  await playWarmer(server, id);
  return JSON.parse(await running);
}

t.test('redocly and spectral have nothing to say of the document', { skip: missing }, async (t) => {
  const said = await runBare('npm', ['run', 'lint'], folder);
  t.match(said, 'No results with a severity of');
});

t.test('clients generated from the document upload, wait and read', { skip: missing }, async (t) => {
  await runBare('npm', ['run', 'generate'], folder);
  await runBare('npm', ['run', 'check'], folder);
  t.pass('the programs are of the types that were generated');
  t.match(await printed('program.ts', 'a/rose 1.jpg'), {
    id: 'a/rose 1.jpg',
    variants: ['fmt=webp&w=20 ready'],
    width: 60,
    bytes: Number,
    refusal: 'image_not_found',
  });
  t.match(await printed('by-hey-api.ts', 'a/rose 2.jpg'), {
    id: 'a/rose 2.jpg',
    progress: '1 of 1',
    requested: ['w=20&fmt=webp'],
    width: 60,
    type: 'image/webp',
    refusal: 'image_not_found',
  });
});
