import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openRendering } from '../../../server/compose/rendering.ts';
import { loadConfig } from '../../../server/config/settings.ts';

const LADYBUG = fileURLToPath(new URL('../../../samples/ladybug.jpg', import.meta.url));
const AMPLE = { maxCpuMs: 600_000, maxWallMs: 600_000, maxResidentBytes: 4 * 2 ** 30 };
const LIMITS = { maxPixels: 100_000_000, maxFrames: 100 };
const SPEC = { canonical: 'fmt=webp&w=200', priority: 'live', limits: LIMITS, timeoutSeconds: 120 } as const;
const LEAST_PRIORITY = 19;

/** What Linux says of a process or thread, behind its name: see proc_pid_stat(5), whose third field is the first here. */
const fieldsOf = (path: string): string[] =>
  readFileSync(`${path}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
const parentOf = (path: string): string | undefined => fieldsOf(path)[1];
const sessionOf = (path: string): string | undefined => fieldsOf(path)[3];

/** Of every thread of a process; one that ends between the two looks has none any more. */
const nicesOf = (pid: string): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return Number(fieldsOf(`/proc/${pid}/task/${thread}`)[16]);
    } catch {
      return [];
    }
  });

/** Processes of which this one is the parent. */
const children = (): string[] =>
  readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && parentOf(`/proc/${name}`) === String(process.pid);
    } catch {
      // It has ended between the two looks.
      return false;
    }
  });

t.test(
  'a render process has the priority of the table in each of its threads while it renders',
  { skip: process.platform === 'linux' ? false : 'only Linux has /proc' },
  async (t) => {
    // Files that share this process with this one have render processes of another priority.
    const others = new Set(children());
    const { renderNice } = loadConfig({});
    const rendering = await openRendering(
      { renderSlots: 1, renderNice },
      { scratchParent: tmpdir() },
      () => undefined,
    );
    t.teardown(() => rendering.close());
    const path = rendering.scratch.path();
    await copyFile(LADYBUG, path);
    const seen = { threads: 0 };
    const begins = async () => {
      for (const pid of children().filter((child) => !others.has(child))) {
        const nices = nicesOf(pid);
        seen.threads += nices.length;
        t.same([...new Set(nices)], [Math.min(LEAST_PRIORITY, getPriority() + renderNice)]);
        // Linux gives each session a share of its own (sched_autogroup): priorities count within one only.
        t.equal(sessionOf(`/proc/${pid}`), sessionOf('/proc/self'), 'the session of the server');
      }
      return true;
    };
    const asks = { original: { path, bytes: (await stat(path)).size }, specs: [SPEC] };
    await rendering.pool.run('group', asks, { ...AMPLE, begins });
    t.ok(seen.threads > 1, `${seen.threads} threads`);
  },
);
