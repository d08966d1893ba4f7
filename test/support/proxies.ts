import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { endProgram } from './command.ts';
import { pages } from './markdown.ts';
import { noNginx } from './nginx.ts';
import { freePort } from './ports.ts';
import { waitFor } from './wait.ts';

/** The host that the page calls its own. */
export const HOST = 'images.example.com';

const CADDY = process.env['CADDY'] ?? 'caddy';
const PAGE = pages().get('docs/one-machine.md') ?? '';

/** The block of the page that begins with a word of the configuration. */
function block(language: string, holds: string): string {
  const blocks = [...PAGE.matchAll(/```(\w+)\n([\s\S]*?)```/g)];
  return blocks.find(([, kind, body = '']) => kind === language && body.includes(holds))?.[2] ?? '';
}

/** Settings as the page writes them into .env. */
export function settingsOfPage(): Record<string, string> {
  const lines = block('ini', 'PUBLIC_URL').split('\n').filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

interface Place {
  readonly folder: string;
  readonly port: number;
  /** Host and port of the server behind it. */
  readonly upstream: string;
}

interface Kind {
  /** Why it cannot be run here; false where it can. */
  readonly isMissing: string | false;
  /** Writes what the page says, at this place, and returns the command and the certificate that vouches for it. */
  write(place: Place): Promise<{ command: readonly string[]; certificate: string }>;
}

const noOpenssl = spawnSync('openssl', ['version']).error ? 'openssl is not on this machine' : false;

async function writeNginx({ folder, port, upstream }: Place) {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', ...made, ...subject], { stdio: 'pipe' });
  const site = block('nginx', 'server_name')
    .replace('listen 443 ', `listen 127.0.0.1:${port} `)
    .replace('127.0.0.1:8080', upstream)
    .replace(/\/etc\/letsencrypt\/\S+fullchain\.pem/, certificate)
    .replace(/\/etc\/letsencrypt\/\S+privkey\.pem/, key);
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `daemon off; ${user} pid ${folder}/nginx.pid; events {}\nhttp { access_log off; ${temporary}\n${site} }`,
  );
  return { command: ['nginx', '-e', `${folder}/error.log`, '-c', file], certificate };
}

async function writeCaddy({ folder, port, upstream }: Place) {
  const site = block('text', 'reverse_proxy')
    .replace(`${HOST} {`, `${HOST} {\n\ttls internal`)
    .replace('server:8080', upstream);
  const others = 'admin off\n\tskip_install_trust\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1';
  const options = `{\n\t${others}\n\thttps_port ${port}\n\tstorage file_system ${folder}/storage\n}`;
  const file = join(folder, 'Caddyfile');
  await writeFile(file, `${options}\n${site}`);
  const certificate = `${folder}/storage/pki/authorities/local/root.crt`;
  return { command: [CADDY, 'run', '--config', file, '--adapter', 'caddyfile'], certificate };
}

export const PROXIES: Readonly<Record<'nginx' | 'Caddy', Kind>> = {
  nginx: { isMissing: noNginx || noOpenssl, write: writeNginx },
  Caddy: {
    isMissing: spawnSync(CADDY, ['version']).error
      ? 'caddy is not on this machine, and CADDY names none'
      : false,
    write: writeCaddy,
  },
};

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Bytes of the body that are sent; the rest is announced and never comes. Absent: all of them. */
  readonly sentBytes?: number;
}

export interface TlsProxy {
  readonly port: number;
  /** An answer once its head has come. The path goes out as it is written. */
  open(path: string, asked?: Asked): Promise<IncomingMessage>;
  /** A whole answer. */
  ask(
    path: string,
    asked?: Asked,
  ): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; body: string }>;
}

/** A proxy as the page sets it up, over TLS, before a server. */
export async function startProxy(t: Test, kind: Kind, upstream: string): Promise<TlsProxy> {
  const port = await freePort();
  const folder = t.testdir();
  const { command, certificate } = await kind.write({ folder, port, upstream });
  const child = startProgram(t, command);
  const open: TlsProxy['open'] = async (path, { method = 'GET', headers = {}, body, sentBytes } = {}) => {
    const ca = await readFile(certificate);
    const length = sentBytes === undefined ? {} : { 'content-length': body?.length ?? 0 };
    const own = { host: HOST, ...headers, ...length };
    const where = { host: '127.0.0.1', port, servername: HOST, ca, agent: false };
    const sent = request({ ...where, path, method, headers: own });
    // Who is refused before the body is sent hears so, and then loses the connection.
    sent.on('error', () => undefined);
    if (sentBytes === undefined) sent.end(body);
    else sent.write(body?.subarray(0, sentBytes) ?? '');
    const [answer] = await once(sent, 'response');
    return answer;
  };
  const ask: TlsProxy['ask'] = async (path, asked) => {
    const answer = await open(path, asked);
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
  };
  await waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`${command[0]} ended with ${child.exitCode}`);
    return ask('/healthz').then(
      ({ status }) => status === 200,
      () => false,
    );
  });
  return { port, open, ask };
}

function startProgram(t: Test, [program = '', ...words]: readonly string[]): ChildProcess {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (lines: string) => said.push(lines));
  t.teardown(async () => {
    if (!t.passing()) t.comment(said.join(''));
    await endProgram(child, 'SIGTERM');
  });
  return child;
}
