import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openRendering } from '../../../server/compose/rendering.ts';
import { compiledModules } from '../../../server/sandbox/compiled.ts';
import { type Launch, strongestLaunch } from '../../../server/sandbox/launch.ts';
import { openScratch } from '../../../server/shared/scratch.ts';
import { removeFolder } from '../../support/folders.ts';
import { ladder, underLaunch } from '../../support/launches.ts';
import { addressOf } from '../../support/ports.ts';

t.test(
  'what is decoded reads nothing but its scratch, writes nowhere else, and has nothing to read in its environment',
  async (t) => {
    const scratch = await openScratch(tmpdir());
    t.teardown(() => scratch.close());
    process.env['AWS_SECRET_ACCESS_KEY'] = 'a key that no decoder may see';
    t.teardown(() => delete process.env['AWS_SECRET_ACCESS_KEY']);
    const strongest = strongestLaunch({ scratch, niceness: 10, compiled: compiledModules() });
    t.comment(`layers here: ${strongest.layers.join(', ')}`);
    for (const launch of ladder(strongest)) {
      await underLaunch(launch, async (tries) => {
        t.notMatch((await tries('environment', '')).got, /AWS|a key that/, 'an empty environment');
        for (const path of ['/proc/1/environ', `/proc/${process.pid}/environ`, '/etc/passwd'])
          t.ok((await tries('read', path)).refused, `refuses ${path}`);
        t.ok((await tries('read', join(scratch.folder, 'probe'))).got, 'reads its scratch');
        t.ok((await tries('write', join(scratch.folder, 'probe'))).refused, 'does not write what it reads');
        t.ok((await tries('write', '/tmp/hostile')).refused, 'does not write elsewhere');
        t.ok((await tries('write', join(scratch.writable, 'spill'))).got, 'writes where it may');
        t.ok((await tries('run', 'true')).refused, 'starts no process');
      });
    }
  },
);

/**
 * Node's own check is made in Node: code that has taken over a decoder is not bound by it. Without the check, what Node
 * does is what such code could do.
 */
const asNativeCode = (launch: Launch): Launch => ({ ...launch, nodeFlags: [] });

t.test(
  "native code reads nobody else's environment, changes nothing of ours and has no network, where the system allows",
  async (t) => {
    const scratch = await openScratch(tmpdir());
    const data = await mkdtemp(join(tmpdir(), 'rendition-'));
    t.teardown(async () => {
      await scratch.close();
      await rm(data, { recursive: true });
    });
    await writeFile(join(data, 'original'), 'bytes', { mode: 0o600 });
    const launch = asNativeCode(strongestLaunch({ scratch, niceness: 10, compiled: compiledModules() }));
    if (!launch.layers.includes('other-user')) {
      t.comment(
        'skipped: only root can become somebody else, and native code of the same user may do what we may',
      );
      return;
    }
    await underLaunch(launch, async (tries) => {
      t.notMatch((await tries('environment', '')).got, /AWS|a key that/);
      for (const pid of [1, process.pid])
        t.ok((await tries('read', `/proc/${pid}/environ`)).refused, `refuses the environment of ${pid}`);
      t.ok((await tries('read', join(data, 'original'))).refused, 'does not read what is ours');
      for (const path of [
        join(data, 'original'),
        join(data, 'new'),
        join(scratch.folder, 'probe'),
        'package.json',
      ])
        t.ok((await tries('write', path)).refused, `does not write ${path}`);
      t.ok((await tries('write', join(scratch.writable, 'spill'))).got, 'writes where it may');
    });
  },
);

t.test('has no network and another user where the system allows', async (t) => {
  const scratch = await openScratch(tmpdir());
  t.teardown(() => scratch.close());
  const launch = strongestLaunch({ scratch, niceness: 10, compiled: compiledModules() });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const port = String(addressOf(server).port);
  await underLaunch(launch, async (tries) => {
    if (launch.layers.includes('no-network')) t.ok((await tries('connect', port)).refused, 'no network');
    else t.comment('skipped: this system lets nobody without rights make a network namespace');
    if (launch.layers.includes('other-user'))
      t.not((await tries('user', '')).got, String(process.getuid?.()));
    else t.comment('skipped: only root can become somebody else');
  });
});

const TOLD = ['no-network', 'no-new-privileges'] as const;

t.test(
  'each way to start a process gives way as it is told to, and has no layer that a stronger one lacks',
  async (t) => {
    const scratch = await openScratch(tmpdir());
    t.teardown(() => scratch.close());
    const launches = ladder(strongestLaunch({ scratch, niceness: 7, compiled: compiledModules() }));
    t.equal(launches.length > 1, process.platform === 'linux');
    for (const [index, launch] of launches.entries()) {
      await underLaunch(launch, async (_tries, pid) => {
        t.equal(getPriority(pid) - getPriority(), 7, launch.layers.join(', '));
      });
      const stronger = launches[index - 1]?.layers ?? launch.layers;
      t.same(
        launch.layers.filter((layer) => !stronger.includes(layer)),
        [],
      );
    }
  },
);

t.test('where another user cannot enter, the other layers and the priority stay', async (t) => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    t.comment('skipped: only root can become somebody else');
    return;
  }
  const closed = await mkdtemp(join(tmpdir(), 'rendition-'));
  t.teardown(() => removeFolder(closed));
  const open = await mkdtemp(join(tmpdir(), 'rendition-'));
  await chmod(open, 0o755);
  t.teardown(() => removeFolder(open));
  const layersIn = async (scratchParent: string) => {
    const rendering = await openRendering(
      { renderSlots: 1, renderNice: 10 },
      { scratchParent },
      () => undefined,
    );
    t.teardown(() => rendering.close());
    return rendering.pool.layers;
  };
  const [elsewhere, here] = [await layersIn(open), await layersIn(closed)];
  t.comment(`where anybody may enter: ${elsewhere.join(', ')}`);
  t.notOk(here.includes('other-user'));
  for (const layer of TOLD) t.equal(here.includes(layer), elsewhere.includes(layer), layer);
});
