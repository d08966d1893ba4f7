import { tmpdir } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { compileAhead, compiledModules } from '../sandbox/compiled.ts';
import { fontconfig, fontFolders } from '../sandbox/fonts.ts';
import { strongestLaunch } from '../sandbox/launch.ts';
import { type PoolEvent, RenderPool } from '../sandbox/pool.ts';
import { errorText } from '../shared/error-text.ts';
import { openScratch, type Scratch, withSpare } from '../shared/scratch.ts';
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

type RenderConfig = Pick<Config, 'renderSlots' | 'renderNice'> & Partial<Pick<Config, 'fontsDir'>>;

/**
 * Opens the scratch and brings up the first render process.
 *
 * @param config  `renderNice` is 0-19, on top of this program's own
 * @throws Error that names what is wrong, when nothing can be written or no process can be started
 */
export async function openRendering(
  config: RenderConfig,
  stores: Pick<Stores, 'scratchParent'>,
  onEvent: (event: PoolEvent) => void,
): Promise<Rendering> {
  const rendering = await prepareRendering(config, stores, onEvent);
  await rendering.pool.start().catch(async (error: unknown) => {
    await rendering.close();
    throw error;
  });
  return rendering;
}

/**
 * The same without a render process: the first task brings one up. For programs that may end without a picture.
 *
 * @throws Error that names the folder when nothing can be written
 */
export async function prepareRendering(
  { renderSlots: slots, renderNice: niceness, fontsDir }: RenderConfig,
  { scratchParent = tmpdir() }: Pick<Stores, 'scratchParent'>,
  onEvent: (event: PoolEvent) => void,
): Promise<Rendering> {
  const scratch = await openScratches(scratchParent);
  const folders = fontFolders(fontsDir);
  const config = scratch.keep('fonts.conf', fontconfig({ folders, cacheDir: scratch.writable }));
  const fonts = { config, folders };
  const pool = new RenderPool({
    launch: strongestLaunch({ scratch, fonts, niceness, compiled: compiledModules() }),
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
  return { pool, scratch, close };
}

/** Links in the data folder cost nothing; on a disk that turns read-only none can be made, and originals are copied away. */
async function openScratches(parent: string): Promise<Scratch> {
  const own = await openScratch(parent);
  if (parent === tmpdir()) return own;
  const spare = await openScratch(tmpdir()).catch(() => undefined);
  return spare ? withSpare(own, spare) : own;
}

/** Long enough that whoever has just started a program is served first. */
const COMPILE_AFTER_MS = 10_000;

/**
 * @throws Error that says why not, where nothing can be kept
 */
export const compileRenderProcesses = (): Promise<void> => compileAhead();

/** Once after an install or a change of the sources: render processes of the next start come up for a third of the processor. */
export function compileLater(log: Logger, afterMs = COMPILE_AFTER_MS): void {
  const compile = () =>
    compileRenderProcesses().catch((error: unknown) => {
      log.debug({ reason: errorText(error) }, 'render processes compile for themselves');
    });
  setTimeout(compile, afterMs).unref();
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

/** For a program without a log: why no picture can be made, beside the answers of the calls that wanted one. */
export function sayBroken(say: (line: string) => void): (event: PoolEvent) => void {
  return ({ kind, reason }) => {
    if (kind === 'broken') say(`No render process can be started: ${reason}\n`);
  };
}
