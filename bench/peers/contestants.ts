import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onPath } from '../ssimulacra2.ts';
import { type Command, type Running, startCommand } from './running.ts';

export type Lossy = 'jpeg' | 'webp' | 'avif';

/** What is asked for: a file of the folder, as wide as that. */
export interface Wanted {
  readonly file: string;
  readonly width: number;
  readonly format: Lossy;
  /** The peer's own; its default where it is undefined. */
  readonly quality?: number;
}

/** Another server that makes pictures. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Path and query. */
  readonly pathOf: (wanted: Wanted) => string;
  /** @param folder  of originals; `results`, where it keeps what it has made, if it can */
  readonly start: (folder: string, results?: string) => Promise<Running>;
}

/** The variable that names a program, its name on PATH otherwise. */
const found = (variable: string, name: string): string | undefined => process.env[variable] || onPath(name);

const firstLine = (program: string, args: readonly string[]): string => {
  try {
    return (
      execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n')[0] ??
      ''
    );
  } catch {
    return 'unknown version';
  }
};
const versionIn = (text: string): string => /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? 'unknown version';

function imgproxy(): Peer | undefined {
  const program = found('IMGPROXY', 'imgproxy');
  if (!program) return undefined;
  return {
    name: 'imgproxy',
    version: versionIn(firstLine(program, ['version'])),
    pathOf: ({ file, width, format, quality }) =>
      `/insecure/w:${width}/${quality ? `q:${quality}/` : ''}plain/local:///${file}@${format === 'jpeg' ? 'jpg' : format}`,
    start: (folder) =>
      startCommand((port) => ({
        name: 'imgproxy',
        program,
        args: [],
        env: { IMGPROXY_BIND: `127.0.0.1:${port}`, IMGPROXY_LOCAL_FILESYSTEM_ROOT: folder },
      })),
  };
}

function imagor(): Peer | undefined {
  const program = found('IMAGOR', 'imagor');
  if (!program) return undefined;
  const command = (port: number, folder: string, results: string | undefined): Command => ({
    name: 'imagor',
    program,
    args: [],
    env: {
      PORT: String(port),
      SERVER_ADDRESS: '127.0.0.1',
      IMAGOR_UNSAFE: '1',
      HTTP_LOADER_DISABLE: '1',
      FILE_LOADER_BASE_DIR: folder,
      ...(results && { FILE_RESULT_STORAGE_BASE_DIR: results }),
    },
  });
  return {
    name: 'imagor',
    version: versionIn(firstLine(program, ['-version'])),
    pathOf: ({ file, width, format, quality }) =>
      `/unsafe/${width}x0/filters:no_upscale():format(${format})${quality ? `:quality(${quality})` : ''}/${file}`,
    start: (folder, results) => startCommand((port) => command(port, folder, results)),
  };
}

function ipx(): Peer | undefined {
  const program = found('IPX', 'ipx');
  if (!program) return undefined;
  const script = realpathSync(program);
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(dirname(script), '../package.json'), 'utf8'),
  );
  return {
    name: 'ipx',
    version: manifest.version,
    pathOf: ({ file, width, format, quality }) =>
      `/w_${width},f_${format}${quality ? `,q_${quality}` : ''}/${file}`,
    start: (folder) =>
      startCommand((port) => ({
        name: 'ipx',
        program: process.execPath,
        args: [script, 'serve', '--dir', folder, '--port', String(port), '--host', '127.0.0.1'],
        env: { IPX_FS_DIR: folder, NODE_ENV: 'production' },
      })),
  };
}

/** Servers that render, those that are there. */
export const renderers = (): Peer[] => [imgproxy(), imagor(), ipx()].filter((peer) => peer !== undefined);

/** What `work` makes of each of those, one after another; each has ended before the next one starts. */
export async function ofEachRenderer<T>(
  folder: string,
  work: (peer: Peer, running: Running) => Promise<T>,
): Promise<T[]> {
  const outcomes: T[] = [];
  for (const peer of renderers()) {
    const running = await peer.start(folder);
    try {
      outcomes.push(await work(peer, running));
    } finally {
      await running.stop();
    }
  }
  return outcomes;
}

export const nginxProgram = (): string | undefined =>
  found('NGINX', 'nginx') ?? found('NGINX', '/usr/sbin/nginx');

/** nginx in a folder of its own, with its log on and one worker, which is what answers on one core. */
export function startNginx(program: string, folder: string, location: string): Promise<Running> {
  return startCommand(async (port) => {
    const root = process.getuid?.() === 0 ? 'user root;' : '';
    const file = join(folder, `nginx-${port}.conf`);
    const log = join(folder, `nginx-${port}.log`);
    await writeFile(
      file,
      `${root} daemon off; worker_processes 1; pid ${folder}/nginx-${port}.pid; error_log ${log};
events { worker_connections 1024; }
http { access_log ${log}; keepalive_requests 100000000; types { image/webp webp; }
proxy_cache_path ${folder}/cache-${port} keys_zone=pictures:10m;
server { listen 127.0.0.1:${port}; ${location} } }`,
    );
    return { name: 'nginx', program, args: ['-p', folder, '-c', file] };
  });
}

/** Name and version of everything that was found, and what was not. */
export function versions(): string[] {
  const nginx = nginxProgram();
  const there = renderers().map(({ name, version }) => `${name} ${version}`);
  if (nginx) there.push(`nginx ${versionOfNginx(nginx)}`);
  const missing = ['imgproxy', 'imagor', 'ipx', 'nginx'].filter(
    (name) => !there.some((text) => text.startsWith(`${name} `)),
  );
  return [...there, ...missing.map((name) => `${name}: not found`)];
}

function versionOfNginx(program: string): string {
  try {
    // It says so to standard error.
    return versionIn(execFileSync('/bin/sh', ['-c', '"$0" -v 2>&1', program], { encoding: 'utf8' }));
  } catch {
    return 'unknown version';
  }
}
