import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { endProgram } from './command.ts';
import { freePort } from './ports.ts';
import { waitFor } from './wait.ts';

/** Why there is no nginx; false where there is. */
export const noNginx: string | false = spawnSync('nginx', ['-v']).error
  ? 'nginx is not on this machine'
  : false;

/** An nginx that serves a folder, as somebody else's server of pictures. */
export interface Nginx {
  readonly base: string;
  readonly folder: string;
  /** What was answered to each request so far, oldest first. */
  requests(): Promise<{ readonly path: string; readonly status: number }[]>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const SCRATCH = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** @param locations  further lines of its server */
export async function startNginx(t: Test, locations: string): Promise<Nginx> {
  const [own, port] = [await mkdtemp(join(tmpdir(), 'rendition-nginx-')), await freePort()];
  const folder = await mkdtemp(join(own, 'www-'));
  const base = `http://127.0.0.1:${port}`;
  const temporary = SCRATCH.map((kind) => `${kind}_temp_path ${own}/${kind};`).join(' ');
  // Workers of root would be of a user who may not read our folders.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  await writeFile(
    join(own, 'nginx.conf'),
    `daemon off; ${user} pid ${own}/nginx.pid; error_log ${own}/error.log; events {}
http { log_format short '$request_uri $status'; access_log ${own}/access.log short; ${temporary}
types { image/jpeg jpg; image/svg+xml svg; } gzip on; gzip_types image/jpeg image/svg+xml; gzip_min_length 1;
server { listen 127.0.0.1:${port}; root ${folder}; ${locations} } }`,
  );
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn('nginx', ['-e', `${own}/error.log`, '-c', `${own}/nginx.conf`], { stdio: 'inherit' });
    await waitFor(() =>
      fetch(`${base}/`).then(
        () => true,
        () => false,
      ),
    );
  };
  const stop = async () => {
    if (child) await endProgram(child, 'SIGTERM');
  };
  t.teardown(stop);
  await start();
  const requests = async () => {
    const lines = (await readFile(`${own}/access.log`, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.flatMap((line) => {
      const [path = '', status] = line.split(' ');
      return path === '/' ? [] : [{ path, status: Number(status) }];
    });
  };
  return { base, folder, requests, start, stop };
}
