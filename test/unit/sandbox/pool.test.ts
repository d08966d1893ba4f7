import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openRendering } from '../../../server/compose/rendering.ts';
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
  (event) => events.push(event),
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

const cpuTicks = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

/** More than a process takes to start, less than SLOW takes. */
const BUSY_TICKS = 120;

/** The process that is at work: the one whose processor time has grown by more than a start takes. */
async function busyChild(): Promise<number> {
  const before = new Map(children().map((pid) => [pid, cpuTicks(pid)]));
  let found = 0;
  await waitFor(() => {
    found = children().find((pid) => cpuTicks(pid) > (before.get(pid) ?? 0) + BUSY_TICKS) ?? 0;
    return found > 0;
  });
  return found;
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

t.test('a decoder that crashes once is tried again; its neighbour and the pool go on', async (t) => {
  events.length = 0;
  const [slow, quick] = [await original(corpusPath('photos/snow-forest-20mp.jpg')), await original(LADYBUG)];
  const first = pool.run('render', { original: slow, spec: SLOW }, AMPLE);
  process.kill(await busyChild(), 'SIGSEGV');
  const neighbour = await pool.run('render', { original: quick, spec: spec('fmt=jpeg&w=100') }, AMPLE);
  t.match(neighbour.size, { width: 100 });
  t.match((await first).size, { width: 2000 }, 'made by another process');
  t.match(events, [{ kind: 'crashed', reason: /SIGSEGV/ }]);
});

t.test('one that crashes again is unrenderable, and told so', async (t) => {
  const slow = await original(corpusPath('photos/snow-forest-20mp.jpg'));
  const doomed = pool.run('render', { original: slow, spec: SLOW }, AMPLE);
  const answer = doomed.catch((error: unknown) => error);
  process.kill(await busyChild(), 'SIGSEGV');
  process.kill(await busyChild(), 'SIGABRT');
  t.match(await answer, { code: 'unrenderable' });
});

t.test('one that spins is killed when it has had its processor time', async (t) => {
  const spinning = await original(corpusPath('svg/slow-filter.svg'));
  const run = pool.run(
    'render',
    { original: spinning, spec: spec('fmt=png&w=2000') },
    { ...AMPLE, maxCpuMs: 2_000 },
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
  const drawing = pool.run(
    'render',
    { original: endless, spec: spec('fmt=png&w=3000') },
    { ...AMPLE, maxCpuMs: 60_000, signal: leave.signal },
  );
  const pid = await busyChild();
  await waitFor(() => [...niceOf(pid)].join() === '19');
  leave.abort();
  await t.rejects(drawing);
  const quick = await original(LADYBUG);
  await pool.run('render', { original: quick, spec: spec('fmt=jpeg&w=100') }, AMPLE);
  for (const child of children().filter((other) => other !== pid)) t.notOk(niceOf(child).has(19));
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
  const broken = new RenderPool({
    launch,
    slots: 1,
    recycleBytes: 1e9,
    recycleTasks: 10,
    now: () => performance.now(),
    onEvent: () => undefined,
  });
  await t.rejects(broken.start(), { message: /^No render process can be started: .*1/ });
  t.ok(broken.broken);
});

t.test('a process that has done its share is replaced', async (t) => {
  const recycled: string[] = [];
  const tired = new RenderPool({
    launch: strongestLaunch({ scratch, niceness: 7 }),
    slots: 1,
    recycleBytes: 1e9,
    recycleTasks: 2,
    now: () => performance.now(),
    onEvent: ({ kind }) => recycled.push(kind),
  });
  t.teardown(() => tired.close());
  const photograph = await original(LADYBUG);
  const others = new Set(children());
  await tired.start();
  const [started = 0] = children().filter((pid) => !others.has(pid));
  t.equal(getPriority(started), Math.min(19, getPriority() + 7), 'as nice as it is told to be');
  for (let done = 0; done < 4; done++) await tired.run('open', { original: photograph }, AMPLE);
  await waitFor(() => recycled.length > 0);
  t.same([...new Set(recycled)], ['recycled']);
});
