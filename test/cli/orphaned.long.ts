import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { UNMEASURED } from '../support/command.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';

const SCRIPTS = {
  server: ['server/cli/rendition.mjs', 'server'],
  warmer: ['server/cli/rendition.mjs', 'warmer'],
  'render process': ['server/sandbox/task-loop.ts'],
} as const;

// A parent that is killed says nothing; and no event tells of it once it has passed.
for (const [name, words] of Object.entries(SCRIPTS))
  t.test(`a ${name} whose parent is gone before it is up ends by itself`, async (t) => {
    const folder = await temporaryFolder();
    t.teardown(() => removeFolder(folder));
    const [program = '', ...given] = [...UNMEASURED, ...words];
    const env = { ...process.env, DATA_DIR: folder, HOST: '127.0.0.1', PORT: '0', WARMER_PORT: '' };
    const child = spawn(program, given, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    t.teardown(() => child.kill('SIGKILL'));
    child.disconnect();
    const [code] = await once(child, 'exit');
    t.equal(code, 0);
  });
