import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openRendering, sayBroken } from '../../../server/compose/rendering.ts';
import { type Launch, strongestLaunch } from '../../../server/sandbox/launch.ts';
import { type PoolEvent, RenderPool } from '../../../server/sandbox/pool.ts';
import type { OriginalRef, RenderSpec } from '../../../server/sandbox/protocol.ts';
import { corpusPath } from '../../support/corpus.ts';
import { waitFor } from '../../support/wait.ts';

const LADYBUG = fileURLToPath(new URL('../../../samples/ladybug.jpg', import.meta.url));
const LIMITS = { maxPixels: 100_000_000, maxFrames: 100 };
const AMPLE = { maxCpuMs: 600_000, maxWallMs: 600_000, maxResidentBytes: 4 * 2 ** 30 };
const spec = (canonical: string): RenderSpec => ({
  canonical,
  priority: 'live',
  limits: LIMITS,
  timeoutSeconds: 120,
});
/** Takes long enough to be interrupted: the largest photograph in the dearest format. */
const SLOW = spec('effort=small&fmt=avif&w=2000');

const events: PoolEvent[] = [];
const rendering = await openRendering(
  { renderSlots: 2, renderNice: 0 },
  { scratchParent: tmpdir() },
  () => undefined,
);
const { pool, scratch } = rendering;
t.teardown(() => rendering.close());

async function original(file: string): Promise<OriginalRef> {
  const path = scratch.path();
  await copyFile(file, path);
  return { path, bytes: (await stat(path)).size };
}

/** The processes of this test's pool: children of this process by what the system says, not by what the pool says. */
function children(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1] === String(process.pid)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

const onEvent = (event: PoolEvent): void => void events.push(event);

/** A pool whose processes can be told from all others: one at work, and one beside it. */
async function ownPool(
  t: Test,
  { niceness = 0, recycleTasks = 100 } = {},
): Promise<{ own: RenderPool; alive: () => number[] }> {
  events.length = 0;
  const others = new Set(children());
  const own = new RenderPool({
    launch: strongestLaunch({ scratch, niceness }),
    slots: 1,
    recycleBytes: 1e9,
    recycleTasks,
    now: () => performance.now(),
    onEvent,
  });
  t.teardown(() => own.close());
  await own.start();
  return { own, alive: () => children().filter((pid) => !others.has(pid)) };
}

/** Answers the question of a process whether to begin by killing it, as often as there are signals. */
function dying(alive: () => readonly number[], signals: NodeJS.Signals[]) {
  const dead = new Set<number>();
  return async (): Promise<boolean> => {
    const signal = signals.shift();
    if (signal === undefined) return true;
    const [pid = 0] = alive().filter((each) => !dead.has(each));
    dead.add(pid);
    process.kill(pid, signal);
    return new Promise(() => undefined);
  };
}

t.test('renders what the same bytes give in this process', async (t) => {
  const photograph = await original(LADYBUG);
  const source = await pool.run('open', { original: photograph }, AMPLE);
  t.match(source, { format: 'jpeg', stored: { width: 3264, height: 2448 } });
  const { bytes, size } = await pool.run(
    'render',
    { original: photograph, spec: spec('fmt=webp&w=200') },
    AMPLE,
  );
  t.match(size, { width: 200, height: 150 });
  t.equal(bytes.toString('latin1', 8, 12), 'WEBP');
});

const GROUP = { specs: [spec('fmt=jpeg&w=100')] };

t.test('a decoder that crashes once is tried again; its neighbour and the pool go on', async (t) => {
  const { own, alive } = await ownPool(t);
  const photograph = await original(LADYBUG);
  const begins = dying(alive, ['SIGSEGV']);
  const made: string[] = [];
  const part = ({ canonical }: { canonical: string }) => made.push(canonical);
  const first = own.run('group', { original: photograph, ...GROUP }, { ...AMPLE, begins, part });
  const neighbour = await own.run('render', { original: photograph, spec: spec('fmt=jpeg&w=90') }, AMPLE);
  t.match(neighbour.size, { width: 90 });
  await first;
  t.same(made, ['fmt=jpeg&w=100'], 'made by another process');
  t.match(events, [{ kind: 'crashed', reason: /SIGSEGV/ }]);
});

t.test('one that crashes again is unrenderable, and told so', async (t) => {
  const { own, alive } = await ownPool(t);
  const begins = dying(alive, ['SIGSEGV', 'SIGABRT']);
  const doomed = own.run('group', { original: await original(LADYBUG), ...GROUP }, { ...AMPLE, begins });
  await t.rejects(doomed, { code: 'unrenderable' });
});

t.test('one that spins is killed when it has had its processor time', async (t) => {
  const spinning = await original(corpusPath('svg/slow-filter.svg'));
  const run = pool.run(
    'render',
    { original: spinning, spec: spec('fmt=png&w=2000') },
    { ...AMPLE, maxCpuMs: 400 },
  );
  await t.rejects(run, { code: 'unrenderable', detail: /ms of the processor/ });
});

/** Priorities of the threads of a process. */
const niceOf = (pid: number): Set<number> =>
  new Set(
    readdirSync(`/proc/${pid}/task`).map((thread) =>
      Number(
        readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[16],
      ),
    ),
  );

t.test('a long drawing is put behind all others, and whoever comes next is not', async (t) => {
  const endless = await original(corpusPath('svg/slow-filter.svg'));
  const leave = new AbortController();
  const { own, alive } = await ownPool(t);
  const [pid = 0] = alive();
  const drawing = own.run(
    'render',
    { original: endless, spec: spec('fmt=png&w=3000') },
    { ...AMPLE, maxCpuMs: 60_000, signal: leave.signal },
  );
  await waitFor(() => [...niceOf(pid)].join() === '19');
  leave.abort();
  await t.rejects(drawing);
  const quick = await original(LADYBUG);
  await own.run('render', { original: quick, spec: spec('fmt=jpeg&w=100') }, AMPLE);
  for (const child of alive().filter((other) => other !== pid)) t.notOk(niceOf(child).has(19));
});

t.test('one that only waits is late, not to blame', async (t) => {
  const slow = await original(corpusPath('photos/snow-forest-20mp.jpg'));
  const run = pool.run('render', { original: slow, spec: SLOW }, { ...AMPLE, maxWallMs: 100 });
  await t.rejects(run, { code: 'deadline' });
});

t.test('one that eats memory is killed at its bound', async (t) => {
  const large = await original(corpusPath('photos/snow-forest-20mp.jpg'));
  const run = pool.run(
    'render',
    { original: large, spec: SLOW },
    { ...AMPLE, maxResidentBytes: 60 * 2 ** 20 },
  );
  await t.rejects(run, { code: 'unrenderable', detail: /bytes of memory/ });
});

t.test('who leaves is not rendered for, and the process is free again', async (t) => {
  const slow = await original(corpusPath('photos/snow-forest-20mp.jpg'));
  const leaving = new AbortController();
  const run = pool.run('render', { original: slow, spec: SLOW }, { ...AMPLE, signal: leaving.signal });
  leaving.abort(new Error('The client has left.'));
  await t.rejects(run, { message: 'The client has left.' });
  await waitFor(() => pool.load.busy === 0);
});

t.test('a file that is shorter than its store said is no verdict on the original', async (t) => {
  const path = scratch.path();
  await writeFile(path, readFileSync(LADYBUG).subarray(0, 1000));
  await t.rejects(pool.run('open', { original: { path, bytes: 2000 } }, AMPLE), {
    code: 'store_unavailable',
  });
});

t.test('a group decodes once and asks before each picture', async (t) => {
  const photograph = await original(LADYBUG);
  const parts: string[] = [];
  const asked: string[][] = [];
  const specs = ['fmt=webp&w=300', 'fmt=jpeg&w=300', 'fmt=webp&w=280'].map(spec);
  await pool.run(
    'group',
    { original: photograph, specs },
    {
      ...AMPLE,
      part: ({ canonical, rendered }) => parts.push(`${canonical} ${rendered?.size?.width}`),
      begins: async (canonicals) => {
        asked.push([...canonicals]);
        return !canonicals.includes('fmt=webp&w=280');
      },
    },
  );
  t.same(parts.sort(), ['fmt=jpeg&w=300 300', 'fmt=webp&w=300 300']);
  t.equal(asked.length, 2);
});

t.test('a pool that cannot start says why', async (t) => {
  const launch: Launch = { wrapper: ['false'], nodeFlags: [], env: {}, layers: [] };
  const said: string[] = [];
  const broken = new RenderPool({
    launch,
    slots: 1,
    recycleBytes: 1e9,
    recycleTasks: 10,
    now: () => performance.now(),
    onEvent: sayBroken((line) => said.push(line)),
  });
  await t.rejects(broken.start(), { message: /^No render process can be started: .*1/ });
  t.ok(broken.broken);
  t.match(said, [/^No render process can be started: .*1.*\n$/]);
});

t.test('figures of the system are kept open for as long as their process lives', async (t) => {
  const openFor = () =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^\/proc\/(\d+)\/statm?$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    });
  const others = new Set(openFor());
  const { own, alive } = await ownPool(t, { recycleTasks: 2 });
  const ref = await original(LADYBUG);
  for (let lap = 0; lap < 7; lap++) await own.run('render', { original: ref, spec: spec('w=64') }, AMPLE);
  await waitFor(() => openFor().every((pid) => others.has(pid) || alive().includes(Number(pid))));
  t.ok(openFor().filter((pid) => !others.has(pid)).length <= 2 * alive().length);
  own.close();
  await waitFor(() => openFor().every((pid) => others.has(pid)));
});

t.test('a process that has done its share is replaced', async (t) => {
  const { own, alive } = await ownPool(t, { niceness: 7, recycleTasks: 2 });
  const photograph = await original(LADYBUG);
  const [started = 0] = alive();
  t.equal(getPriority(started), Math.min(19, getPriority() + 7), 'as nice as it is told to be');
  for (let done = 0; done < 4; done++) await own.run('open', { original: photograph }, AMPLE);
  await waitFor(() => events.length > 0);
  t.same([...new Set(events.map(({ kind }) => kind))], ['recycled']);
});
