import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { endProgram, runBare } from '../support/command.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { ROOT } from '../support/markdown.ts';

/** Folders of PATH by the major version of the Node in them, one each. */
function nodes(): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of new Set(process.env['PATH']?.split(delimiter))) {
    try {
      const version = execFileSync('env', ['-u', 'NODE_OPTIONS', join(folder, 'node'), '--version'], {
        encoding: 'utf8',
      });
      const [major = ''] = version.slice(1).split('.');
      if (!found.has(major)) found.set(major, folder);
    } catch {
      // No Node there.
    }
  }
  return found;
}

/** Seconds of the processor that a process and all that it has started have used; undefined where there is no /proc. */
function cpuSeconds(pid: number): number | undefined {
  try {
    const stats = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const [, rest = ''] = readFileSync(`/proc/${name}/stat`, 'utf8').split(/\) (.*)/s);
          const fields = rest.split(' ').map(Number);
          return [
            {
              pid: Number(name),
              parent: fields[1] ?? 0,
              ticks: fields.slice(11, 15).reduce((a, b) => a + b, 0),
            },
          ];
        } catch {
          // It has ended meanwhile.
          return [];
        }
      });
    const ticksOf = (parent: number): number =>
      stats
        .filter((one) => one.parent === parent)
        .reduce((sum, one) => sum + one.ticks + ticksOf(one.pid), 0);
    const own = stats.find((one) => one.pid === pid)?.ticks ?? 0;
    return (own + ticksOf(pid)) / 100;
  } catch {
    return undefined;
  }
}

/** URLs that `rendition serve` of the tarball prints. */
async function served(
  t: Pick<typeof import('tap').default, 'teardown' | 'comment'>,
  folder: string,
  { words, path }: { words: string[]; path: string },
) {
  const program = join(folder, 'node_modules/.bin/rendition');
  const own = ['-u', 'NODE_OPTIONS', `PATH=${path}${delimiter}${process.env['PATH']}`];
  const all = [...own, program, 'serve', ...words, '--port', '0', '--json'];
  const child = spawn('env', all, { cwd: folder });
  // Its programs write beside themselves until they have ended.
  t.teardown(() => endProgram(child, 'SIGTERM'));
  for await (const line of createInterface({ input: child.stdout })) {
    const { urls }: { urls?: string[] } = JSON.parse(line || '{}');
    if (!urls?.length) continue;
    const answer = await fetch(urls[0] ?? '');
    await answer.arrayBuffer();
    t.comment(`${cpuSeconds(child.pid ?? 0)} s of the processor to the first picture, ${answer.status}`);
    return urls;
  }
  return [];
}

t.test(
  'the package serves in an empty folder, with the Node that runs it, and a folder as it stands',
  async (t) => {
    const folder = await temporaryFolder();
    t.teardown(() => removeFolder(folder));
    await runBare('npm', ['pack', '--pack-destination', folder], ROOT);
    await runBare('npm', ['install', '--omit=dev', './rendition-0.1.0.tgz'], folder);
    const [kilobytes = ''] = execFileSync('du', ['-sk', 'node_modules'], {
      cwd: folder,
      encoding: 'utf8',
    }).split('\t');
    t.comment(`installed: ${Math.round(Number(kilobytes) / 1024)} MB`);
    for (const [major, path] of nodes()) {
      t.comment(`Node ${major}`);
      await t.test(`Node ${major}`, async (t) => {
        const urls = await served(t, folder, { words: [], path });
        t.equal(urls.length, 6);
        for (const url of urls) t.equal((await fetch(url)).status, 200, url);
      });
    }
    const [path = ''] = nodes().values();
    await mkdir(join(folder, 'photos/album'), { recursive: true });
    await copyFile(join(ROOT, 'samples/ladybug.jpg'), join(folder, 'photos/album/a b.jpg'));
    const own = await served(t, folder, { words: ['./photos'], path });
    t.match(own, [/\/img\/album\/a%20b\.jpg\?/]);
    for (const url of own) t.equal((await fetch(url)).status, 200, url);
    t.same(
      await readdir(join(folder, 'photos'), { recursive: true }),
      ['album', 'album/a b.jpg'],
      'as it was',
    );
  },
);
