import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { runBare } from '../support/command.ts';
import { ROOT } from '../support/markdown.ts';
import { temporaryFolder } from '../support/server.ts';

t.test('the package serves in an empty folder, with the Node that runs it', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  await runBare('npm', ['pack', '--pack-destination', folder], ROOT);
  await runBare('npm', ['install', '--omit=dev', './rendition-0.1.0.tgz'], folder);
  const program = join(folder, 'node_modules/.bin/rendition');
  const child = spawn('env', ['-u', 'NODE_OPTIONS', program, 'serve', '--port', '0', '--json'], {
    cwd: folder,
  });
  // Its programs write beside themselves until they have ended.
  t.teardown(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  });
  let urls: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    urls = JSON.parse(line || '{}').urls ?? [];
    if (urls.length) break;
  }
  t.equal(urls.length, 6);
  for (const url of urls) t.equal((await fetch(url)).status, 200, url);
});
