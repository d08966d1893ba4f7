import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { compileAhead, compiledModules } from '../../../server/sandbox/compiled.ts';
import { type Launch, RENDER_PROCESS, strongestLaunch } from '../../../server/sandbox/launch.ts';
import { openScratch } from '../../../server/shared/scratch.ts';
import { removeFolder } from '../../support/folders.ts';
import { ladder, underLaunch } from '../../support/launches.ts';

const place = await mkdtemp(join(tmpdir(), 'rendition-compiled-'));
await chmod(place, 0o755);
t.teardown(() => removeFolder(place));

/** What lies below a folder, with its bytes and times. */
async function listing(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return Promise.all(
    names.sort().map(async (name) => {
      const { size, mtimeMs, mode } = await stat(join(folder, name));
      return `${name} ${size} ${mtimeMs} ${mode}`;
    }),
  );
}

/**
 * What Node says of its cache while a render process comes up and ends. To a file: of a pipe that is full it leaves
 * out what does not go in.
 */
async function saidOfCache(launch: Launch): Promise<string[]> {
  const path = join(place, 'said');
  const file = await open(path, 'w');
  const heic = `--import=${new URL('../../../server/sandbox/master.ts', import.meta.url)}`;
  const [execPath, ...rest] = [...launch.wrapper, process.execPath, ...launch.nodeFlags, heic];
  const child = fork(RENDER_PROCESS, {
    execPath,
    execArgv: rest,
    env: { ...launch.env, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
    stdio: ['ignore', 'ignore', file.fd, 'ipc'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child, 'message'), ended]);
  // An orphan ends in order, and at such an end Node writes what it has compiled itself.
  child.disconnect();
  t.same(await ended, [0, null]);
  await file.close();
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line.startsWith('[compile cache]'));
}

t.test('of several at once one compiles; what it leaves is for the sources as they are', async (t) => {
  t.equal(compiledModules(place), undefined);
  // Of other sources.
  await mkdir(join(place, 'f00d'));
  await Promise.all([compileAhead(place), compileAhead(place)]);
  const folder = compiledModules(place) ?? '';
  t.same(await readdir(place), [folder.slice(place.length + 1)]);
  const before = await listing(folder);
  t.ok(before.length > 200, `${before.length} files`);
  await compileAhead(place);
  t.same(await listing(folder), before, 'a second time is none');
});

t.test('each way to start a render process takes all of it, and writes nothing', async (t) => {
  const scratch = await openScratch(tmpdir());
  t.teardown(() => scratch.close());
  const compiled = compiledModules(place) ?? '';
  const before = await listing(compiled);
  for (const launch of ladder(strongestLaunch({ scratch, niceness: 0, compiled }))) {
    const said = await saidOfCache(launch);
    const read = said.filter((line) => line.includes('reading cache from'));
    t.ok(read.length > 200, `${read.length} modules: ${launch.layers.join(', ')}`);
    t.same(
      read.filter((line) => !line.includes('... success')),
      [],
    );
    t.same(
      said.filter((line) => /rejected|Creating temporary file/.test(line)),
      [],
    );
    t.same(await listing(compiled), before);
  }
});

t.test('what runs there plants nothing for those that come after', async (t) => {
  const scratch = await openScratch(tmpdir());
  t.teardown(() => scratch.close());
  const compiled = compiledModules(place) ?? '';
  const [names = ''] = (await readdir(compiled)).filter((name) => name.startsWith('v'));
  const [file = ''] = await readdir(join(compiled, names));
  const targets = [join(compiled, 'new'), join(compiled, names, 'new'), join(compiled, names, file)];
  const strongest = strongestLaunch({ scratch, niceness: 0, compiled });
  for (const launch of ladder(strongest))
    await underLaunch(launch, async (tries) => {
      for (const target of targets)
        t.match(await tries('write', target), { refused: /Access to this API has been restricted/ }, target);
      t.ok((await tries('write', join(scratch.writable, 'spill'))).got, 'writes where it may');
    });
  if (!strongest.layers.includes('other-user')) {
    t.comment('skipped: native code of the same user may do what we may');
    return;
  }
  await underLaunch({ ...strongest, nodeFlags: [] }, async (tries) => {
    for (const target of targets) t.match(await tries('write', target), { refused: /EACCES/ }, target);
  });
});

t.test(
  'nothing runs any more what Node has written for code in a process, and a start compiles it anew',
  async (t) => {
    const scratch = await openScratch(tmpdir());
    t.teardown(() => scratch.close());
    const compiled = compiledModules(place) ?? '';
    for (const launch of ladder(strongestLaunch({ scratch, niceness: 0, compiled }))) {
      const before = await listing(compiled);
      t.equal(launch.env['NODE_COMPILE_CACHE'], compiled);
      await underLaunch(launch, async (tries) => {
        const planted = join(scratch.writable, `planted-${launch.layers.length}.cjs`);
        t.ok((await tries('compile', planted)).got);
      });
      const isChanged = (await listing(compiled)).join() !== before.join();
      if (launch.layers.includes('other-user')) t.notOk(isChanged, 'another user cannot');
      t.equal(launch.env['NODE_COMPILE_CACHE'], isChanged ? undefined : compiled, launch.layers.join(', '));
      t.equal(launch.nodeFlags.join().includes(compiled), !isChanged);
      t.equal(compiledModules(place), isChanged ? undefined : compiled);
      await compileAhead(place);
      t.equal(compiledModules(place), compiled);
    }
  },
);

t.test('what cannot be compiled leaves nothing, and the reason is told', async (t) => {
  const { execPath } = process;
  t.teardown(() => {
    process.execPath = execPath;
  });
  const own = await mkdtemp(join(tmpdir(), 'rendition-compiled-'));
  t.teardown(() => removeFolder(own));
  const part = join(own, `${(compiledModules(place) ?? '').slice(place.length + 1)}.part`);
  const hourAgo = new Date(Date.now() - 3_600_000);
  const hourAhead = new Date(Date.now() + 3_600_000);
  for (const [program, reason, made] of [
    ['false', /ended with 1/, hourAgo],
    // By a clock that was set back since.
    ['true', /kept nothing/, hourAhead],
  ] as const) {
    process.execPath = program;
    await mkdir(part);
    await compileAhead(own);
    t.same(await readdir(part), [], 'somebody is at it');
    // Who was killed at it holds nobody up.
    await utimes(part, made, made);
    await t.rejects(compileAhead(own), { message: reason });
    t.same(await readdir(own), []);
  }
  const file = join(own, 'file');
  await writeFile(file, '');
  await t.rejects(compileAhead(join(file, 'below')), { code: 'ENOTDIR' });
  t.equal(compiledModules(join(file, 'below')), undefined);
  // As what another user keeps for himself: no reason for a program not to start.
  const loop = join(own, 'loop');
  await symlink(loop, loop);
  t.equal(compiledModules(loop), undefined);
});
