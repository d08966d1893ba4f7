import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { fontFolders, writeFontconfig } from '../sandbox/fonts.ts';
import { strongestLaunch } from '../sandbox/launch.ts';
import { type PoolEvent, RenderPool } from '../sandbox/pool.ts';
import { openScratch, type Scratch } from '../shared/scratch.ts';
import type { Stores } from '../stores/stores.ts';

/** Where originals lie while they are read, and the processes that read them. */
export interface Rendering {
  readonly pool: RenderPool;
  readonly scratch: Scratch;
  close(): Promise<void>;
}

/** What a process may keep between two tasks; above it libvips and the allocator have not given back what they took. */
const RECYCLE_BYTES = 400 * 2 ** 20;
/** A leak that nobody has seen yet ends here. */
const RECYCLE_TASKS = 2_000;

/**
 * Opens the scratch and brings up the first render process.
 *
 * @param slots     renders at once
 * @param niceness  0-19, on top of this program's own
 * @throws Error that names what is wrong, when nothing can be written or no process can be started
 */
export async function openRendering(
  {
    renderSlots: slots,
    renderNice: niceness,
    fontsDir,
  }: Pick<Config, 'renderSlots' | 'renderNice'> & Partial<Pick<Config, 'fontsDir'>>,
  { scratchParent = tmpdir() }: Pick<Stores, 'scratchParent'>,
  onEvent: (event: PoolEvent) => void,
): Promise<Rendering> {
  const scratch = await openScratch(scratchParent);
  const fonts = { config: join(scratch.folder, 'fonts.conf'), folders: fontFolders(fontsDir) };
  await writeFontconfig(fonts.config, { folders: fonts.folders, cacheDir: scratch.writable });
  const pool = new RenderPool({
    launch: strongestLaunch({ scratch, fonts, niceness }),
    slots,
    recycleBytes: RECYCLE_BYTES,
    recycleTasks: RECYCLE_TASKS,
    now: () => performance.now(),
    onEvent,
  });
  const close = async () => {
    pool.close();
    await scratch.close();
  };
  await pool.start().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { pool, scratch, close };
}

/** A line for what befell a process; a program that cannot render any more ends, since whoever started it can do better. */
export function logPool(log: Logger): (event: PoolEvent) => void {
  return ({ kind, reason }) => {
    if (kind === 'broken') {
      log.fatal({ reason }, 'no render process can be started');
      log.flush();
      setImmediate(() => process.exit(1));
    } else if (kind === 'recycled') log.debug({ reason }, 'render process replaced');
    else log.warn({ kind, reason }, 'render process');
  };
}
