import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { noise, playWarmer } from '../support/api.ts';
import { runBare } from '../support/command.ts';
import { API_TOKENS, TOKEN } from '../support/env.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const FIXTURE = new URL('openapi-client', import.meta.url);

const folder = mkdtempSync(join(tmpdir(), 'rendition-openapi-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
cpSync(FIXTURE, folder, { recursive: true });

/** Why the generator is not here: it is of another TypeScript than ours, and no package of this tree. */
const missing = await runBare('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], folder).then(
  () => false as const,
  (error: Error) => `npm cannot install the generator: ${error.message}`,
);

t.test('a client generated from the document uploads, waits and reads', { skip: missing }, async (t) => {
  const server = await startServer({ API_TOKENS });
  t.teardown(() => server.close());
  writeFileSync(join(folder, 'openapi.json'), await (await server.get('/openapi.json')).text());
  writeFileSync(join(folder, 'rose.jpg'), await noise(60, 40));
  await runBare('npm', ['run', 'generate'], folder);
  await runBare('npm', ['run', 'check'], folder);
  t.pass('the program is of the types that were generated');
  const program = ['--experimental-strip-types', 'program.ts', server.base, TOKEN, 'rose.jpg'];
  const printed = runBare(process.execPath, program, folder);
  await waitFor(async () => (await server.stores.records.variants.list('a/rose 1.jpg')).length > 0);
  await playWarmer(server, 'a/rose 1.jpg');
  t.match(JSON.parse(await printed), {
    id: 'a/rose 1.jpg',
    variants: ['fmt=webp&w=20 ready'],
    width: 60,
    bytes: Number,
    refusal: 'image_not_found',
  });
});
