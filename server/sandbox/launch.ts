import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Scratch } from '../shared/scratch.ts';

/** A layer of protection around a render process, as the log and the metric name it. */
export const LAYERS = [
  'empty-environment',
  'file-permissions',
  'other-user',
  'no-new-privileges',
  'no-network',
] as const;
export type Layer = (typeof LAYERS)[number];

/** How a render process is started. */
export interface Launch {
  /** A program and its arguments, each running the next one, before Node itself. */
  readonly wrapper: readonly string[];
  readonly nodeFlags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the fonts that drawings have. */
  readonly fonts?: readonly string[] | undefined;
  readonly layers: readonly Layer[];
  /** With fewer layers, for a system on which this one brings no process up; absent: there is no other way. */
  readonly weaker?: (() => Launch) | undefined;
}

export interface LaunchOptions {
  /** The folders that the process reads originals from, and the one in the first that it may write to. */
  readonly scratch: Pick<Scratch, 'folder' | 'spare' | 'writable'>;
  /** 0-19; the event loop of the parent goes before. */
  readonly niceness: number;
  /** Fontconfig's file, and the folders that it names. */
  readonly fonts?: { readonly config: string; readonly folders: readonly string[] } | undefined;
  /**
   * The folder of compiled modules (compiled.ts), which a process reads and never writes; absent: it compiles for itself,
   * which is two thirds of what it costs to bring one up.
   */
  readonly compiled?: string | undefined;
}

type NodeOptions = Omit<LaunchOptions, 'niceness'>;

/** What a render process runs. */
export const RENDER_PROCESS = fileURLToPath(
  new URL(`./render-process${extname(import.meta.filename)}`, import.meta.url),
);
export const APP = fileURLToPath(new URL('../..', import.meta.url));
/** Where its packages are: in it, or around it where it is a package itself or was built. */
const SHARP = createRequire(import.meta.url).resolve('sharp');
export const PACKAGES = SHARP.slice(
  0,
  SHARP.lastIndexOf(`${sep}node_modules${sep}`) + `${sep}node_modules`.length,
);
/** Of `nobody` on every Linux that we know. */
export const NOBODY = 65_534;
/** A render process has no use for a large heap: pixels lie outside of it. */
const HEAP_MIB = 512;

/** Agents put their options into every process that is spawned, past the environment that is asked for. */
const CLEAN: readonly string[] = process.platform === 'win32' ? [] : ['env', '-u', 'NODE_OPTIONS'];

function works([command = '', ...args]: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 5_000 }).status === 0;
}

/** Node's own check of files and processes; the network and native code are outside of it, so it is one layer only. */
const IS_CHECKED = process.allowedNodeEnvironmentFlags.has('--permission');

/** The time of folders of compiled modules as they were made, in seconds. Whatever is written into one changes it. */
export const SEALED_SECONDS = 1;

/**
 * Whether nothing was written there since. Code in a process of our own user can have Node do so (module.flushCompileCache)
 * after all permissions were given up, and has none left to put the time back.
 */
export function isSealed(folder: string): boolean {
  const isOld = (path: string) => statSync(path).mtimeMs === SEALED_SECONDS * 1000;
  try {
    return isOld(folder) && readdirSync(folder).every((name) => isOld(join(folder, name)));
  } catch {
    // Absent, or of a user that keeps it for himself: then a process compiles for itself.
    return false;
  }
}

/**
 * Node reads compiled modules where it may write them, and nowhere else. So it may until the first line of ours, which is
 * this one, before a byte of anybody else's: what is planted there would run in every process that comes after.
 */
const givesUpWriting = (folder: string): string => {
  const writing = `'fs.write', ${JSON.stringify(folder)}`;
  const code = `process.permission.drop(${writing}); if (process.permission.has(${writing})) process.exit(1)`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
};

const compiledFlags = (folder: string): string[] => [
  `--allow-fs-read=${folder}`,
  `--allow-fs-write=${folder}`,
  `--import=${givesUpWriting(folder)}`,
];

function nodeFlags({ scratch: { folder, spare, writable }, fonts, compiled }: NodeOptions): string[] {
  const heap = `--max-old-space-size=${HEAP_MIB}`;
  if (!IS_CHECKED) return [heap];
  return [
    heap,
    '--permission',
    '--allow-addons',
    `--allow-fs-read=${APP}`,
    `--allow-fs-read=${PACKAGES}`,
    `--allow-fs-read=${folder}`,
    ...(spare === undefined ? [] : [`--allow-fs-read=${spare}`]),
    ...(fonts?.folders ?? []).map((fontFolder) => `--allow-fs-read=${fontFolder}`),
    `--allow-fs-write=${writable}`,
    ...(compiled === undefined ? [] : compiledFlags(compiled)),
  ];
}

/** Nothing of ours: no credentials, no configuration. Two arenas take a third off what libvips' threads keep. */
const environment = ({ scratch, fonts, compiled }: NodeOptions): Record<string, string> => ({
  HOME: '/nonexistent',
  TMPDIR: scratch.writable,
  MALLOC_ARENA_MAX: '2',
  ...(fonts ? { FONTCONFIG_FILE: fonts.config } : {}),
  ...(IS_CHECKED && compiled !== undefined ? { NODE_COMPILE_CACHE: compiled } : {}),
});

/** For a process that opens nothing of anybody's, with no layer around it but Node's own. */
export const trustedLaunch = (options: NodeOptions): Launch => ({
  wrapper: CLEAN,
  nodeFlags: nodeFlags(options),
  env: environment(options),
  layers: [],
});

/** Layers, and the command that puts them around what follows it. */
type Step = readonly [readonly Layer[], readonly string[]];

/**
 * What is tried, strongest first. Another user cannot enter what only root may, such as a data folder or a checkout
 * under /root: there a process without network and new privileges comes before one with nothing around it.
 */
function rungs(): Step[][] {
  if (process.platform !== 'linux') return [[]];
  const ownUser: Step = [['no-new-privileges'], ['setpriv', '--no-new-privs']];
  if (process.getuid?.() !== 0) return [[[['no-network'], ['unshare', '--user', '--net']], ownUser], []];
  const network: Step = [['no-network'], ['unshare', '--net']];
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const otherUser: Step = [
    ['other-user', 'no-new-privileges'],
    ['setpriv', ...user, '--no-new-privs'],
  ];
  return [[network, otherUser], [network, ownUser], []];
}

/**
 * Those of the steps that the system lets us put around a process, tried by running `true` under them, once for a program:
 * containers forbid one or the other. Giving way is no layer, and stays without any.
 */
function wrapperOf(steps: readonly Step[], niceness: number): { wrapper: string[]; layers: Layer[] } {
  const wrapper = [...CLEAN];
  const layers: Layer[] = [];
  const nice = niceness > 0 ? ['nice', '-n', String(niceness)] : [];
  // Nearly always all of it holds, and one try says so.
  const all = steps.flatMap(([, step]) => step);
  const holds = works([...CLEAN, ...nice, ...all, 'true']) ? () => true : works;
  if (niceness > 0 && holds([...nice, 'true'])) wrapper.push(...nice);
  for (const [gained, step] of steps) {
    if (!holds([...wrapper, ...step, 'true'])) continue;
    wrapper.push(...step);
    layers.push(...gained);
  }
  return { wrapper, layers };
}

/** The strongest way to start render processes that this system allows, by what `true` says. */
export const strongestLaunch = (options: LaunchOptions): Launch => launchOf(options, rungs());

function launchOf(options: LaunchOptions, [steps = [], ...weaker]: Step[][]): Launch {
  const { niceness, fonts } = options;
  const { wrapper, layers } = wrapperOf(steps, niceness);
  // Asked before each process: one before it may have written.
  const trusted = () =>
    options.compiled !== undefined && isSealed(options.compiled)
      ? options
      : { ...options, compiled: undefined };
  return {
    wrapper,
    get nodeFlags() {
      return nodeFlags(trusted());
    },
    get env() {
      return environment(trusted());
    },
    fonts: fonts?.folders,
    layers: ['empty-environment', ...(IS_CHECKED ? ['file-permissions' as const] : []), ...layers],
    weaker: weaker.length > 0 ? () => launchOf(options, weaker) : undefined,
  };
}
