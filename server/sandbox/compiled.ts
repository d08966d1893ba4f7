import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedDataVersionTag } from 'node:v8';
import { lowerPriority } from '../shared/priority.ts';
import { openScratch } from '../shared/scratch.ts';
import { APP, isSealed, NOBODY, PACKAGES, RENDER_PROCESS, SEALED_SECONDS, trustedLaunch } from './launch.ts';

/** Beside what programs keep (server/cli/compile-cache.mjs), and apart: what they run is nothing that others write. */
const PLACE = join(APP, 'node_modules', '.cache', 'rendition-render');
/** Of server/: what a render process may import, as test/architecture/table.ts has it. */
const ROOMS = ['core', 'sandbox', 'shared'];
/** What a render process reads with its first HEIC. */
const LATER = new URL(`./master${extname(import.meta.filename)}`, import.meta.url).href;
const LEAST_PRIORITY = 19;
/** After which nobody is at it any more. It takes half a second of the processor, at the lowest priority. */
const ABANDONED_MS = 600_000;

/**
 * One name for what decides what is compiled. Node compares each module with what it has kept, so that a name which
 * stays where something has changed costs time, and no more. Times in seconds: images keep no more of them.
 */
function nameOfSources(): string {
  const hash = createHash('sha256').update(`${process.version} ${cachedDataVersionTag()} ${APP}`);
  const note = (path: string) => {
    const facts = statSync(path, { throwIfNoEntry: false });
    hash.update(`${path} ${facts?.size} ${Math.floor((facts?.mtimeMs ?? 0) / 1000)}\n`);
  };
  note(join(PACKAGES, '.package-lock.json'));
  const server = fileURLToPath(new URL('..', import.meta.url));
  for (const room of ROOMS)
    for (const entry of readdirSync(join(server, room), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) note(join(entry.parentPath, entry.name));
  return hash.digest('hex').slice(0, 16);
}

/**
 * The folder of what render processes run, compiled; undefined where `compileAhead` has not been at it since the sources
 * were changed, or something else was written there.
 */
export function compiledModules(place = PLACE): string | undefined {
  const folder = join(place, nameOfSources());
  return isSealed(folder) ? folder : undefined;
}

/**
 * Compiles what render processes run, once for all that come: in a process of our own user that opens no original, at
 * the lowest priority. Several may call it at once, and one of them does it.
 *
 * @throws Error that says why not: nothing can be written there, or this Node lets no process give a permission back
 */
export async function compileAhead(place = PLACE): Promise<void> {
  const folder = join(place, nameOfSources());
  const part = `${folder}.part`;
  if (isSealed(folder) || !(await claim(part))) return;
  try {
    await load(part, folder);
    await publish(part, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  for (const name of await readdir(place)) {
    const other = join(place, name);
    if (other !== folder && !name.endsWith('.part')) await rm(other, { recursive: true, force: true });
  }
}

/** Whether nobody else is at it. */
async function claim(part: string): Promise<boolean> {
  await mkdir(dirname(part), { recursive: true });
  const made = await stat(part).catch(() => undefined);
  if (made && Math.abs(Date.now() - made.mtimeMs) > ABANDONED_MS)
    await rm(part, { recursive: true, force: true });
  return mkdir(part).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

/**
 * A render process that nobody asks for anything ends when it has come up, and Node writes down what it has compiled. It
 * is started as those are that come after, so that these have nothing left to write.
 */
async function load(part: string, folder: string): Promise<void> {
  const scratch = await openScratch(part);
  const { wrapper, nodeFlags, env } = trustedLaunch({ scratch, compiled: folder });
  const flags = [...nodeFlags, `--import=${LATER}`, `--allow-fs-read=${part}`, `--allow-fs-write=${part}`];
  const [program = '', ...words] = [...wrapper, process.execPath, ...flags, RENDER_PROCESS];
  const child = spawn(program, words, {
    env: { ...env, NODE_COMPILE_CACHE: part },
    stdio: 'ignore',
    timeout: ABANDONED_MS,
  });
  const ended = once(child, 'exit');
  if (child.pid !== undefined) lowerPriority(LEAST_PRIORITY, child.pid);
  const [code, signal] = await ended;
  await scratch.close();
  if (code !== 0) throw new Error(`A render process that only loads ended with ${signal ?? code}.`);
}

/**
 * Node writes for its own user alone, whose number ends the folder's name. Whoever renders may read it all, under his
 * name too, and changes nothing.
 */
async function publish(part: string, folder: string): Promise<void> {
  const [own] = await readdir(part);
  if (own === undefined) throw new Error('Node has kept nothing of what it compiled.');
  for (const name of await readdir(join(part, own))) await chmod(join(part, own, name), 0o444);
  const others = own.replace(/-\d+$/, `-${NOBODY}`);
  if (process.platform === 'linux' && others !== own) await symlink(own, join(part, others));
  for (const path of [join(part, own), part, dirname(part)]) await chmod(path, 0o755);
  for (const path of [join(part, own), part]) await utimes(path, SEALED_SECONDS, SEALED_SECONDS);
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
}
