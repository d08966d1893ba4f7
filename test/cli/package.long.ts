import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { runBare } from '../support/command.ts';
import { ROOT } from '../support/markdown.ts';
import { temporaryFolder } from '../support/server.ts';

/** URLs that `rendition serve` of the tarball prints. */
async function served(t: Pick<typeof import('tap').default, 'teardown'>, folder: string, words: string[]) {
  const program = join(folder, 'node_modules/.bin/rendition');
  const all = ['-u', 'NODE_OPTIONS', program, 'serve', ...words, '--port', '0', '--json'];
  const child = spawn('env', all, { cwd: folder });
  // Its programs write beside themselves until they have ended.
  t.teardown(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { urls }: { urls?: string[] } = JSON.parse(line || '{}');
    if (urls?.length) return urls;
  }
  return [];
}

t.test(
  'the package serves in an empty folder, with the Node that runs it, and a folder as it stands',
  async (t) => {
    const folder = await temporaryFolder();
    t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    await runBare('npm', ['pack', '--pack-destination', folder], ROOT);
    await runBare('npm', ['install', '--omit=dev', './rendition-0.1.0.tgz'], folder);
    const urls = await served(t, folder, []);
    t.equal(urls.length, 6);
    for (const url of urls) t.equal((await fetch(url)).status, 200, url);
    await mkdir(join(folder, 'photos/album'), { recursive: true });
    await copyFile(join(ROOT, 'samples/ladybug.jpg'), join(folder, 'photos/album/a b.jpg'));
    const own = await served(t, folder, ['./photos']);
    t.match(own, [/\/img\/album\/a%20b\.jpg\?/]);
    for (const url of own) t.equal((await fetch(url)).status, 200, url);
    t.same(
      await readdir(join(folder, 'photos'), { recursive: true }),
      ['album', 'album/a b.jpg'],
      'as it was',
    );
  },
);
