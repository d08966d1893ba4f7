import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startFauxqs } from 'fauxqs';
import type { Stack } from './stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'server', 'cli', 'rendition.mjs');

export const BUCKETS = { originals: 'originals', results: 'results' } as const;

/** S3 over the wire, in this process, in memory. */
export async function startBuckets(): Promise<{ endpoint: string; stop: () => Promise<void> }> {
  const server = await startFauxqs({ port: 0, logger: false });
  for (const name of Object.values(BUCKETS)) server.createBucket(name);
  return { endpoint: `http://127.0.0.1:${server.port}`, stop: () => server.stop() };
}

/** Puts the pictures of `samples/` where uploads would lie. */
export async function putSamples(endpoint: string): Promise<string[]> {
  const folder = join(ROOT, 'samples');
  const files = readdirSync(folder).filter((name) => !name.endsWith('.md'));
  for (const name of files) await putOriginal(endpoint, `samples/${name}`, readFileSync(join(folder, name)));
  return files.map((name) => `samples/${name}`);
}

export async function putOriginal(
  endpoint: string,
  id: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const path = id.split('/').map(encodeURIComponent).join('/');
  const answer = await fetch(`${endpoint}/${BUCKETS.originals}/${path}`, { method: 'PUT', body: bytes });
  if (!answer.ok) throw new Error(`${id} could not be put: ${answer.status}`);
}

interface RawTask {
  container_definitions: string;
}

/** The settings that the stage gives its servers, without those that only AWS can fill in. */
export function serverSettings(stack: Stack): Record<string, string> {
  const tasks = Object.values(stack.all<RawTask>('aws_ecs_task_definition'));
  const text = tasks
    .map(({ container_definitions }) => container_definitions)
    .find((one) => one.includes('server/main.ts'));
  const pairs = [
    ...(text ?? '').matchAll(/\{"name" = "([A-Z][A-Z0-9_]*)", "value" = ("(?:[^"\\]|\\.)*")\}/g),
  ];
  const literal = pairs.filter(([, , value = '']) => !value.includes('${'));
  return Object.fromEntries(literal.map(([, name, value = '']) => [name, String(JSON.parse(value))]));
}

export interface ProgramsOptions {
  readonly stack: Stack;
  /** Of the buckets. */
  readonly endpoint: string;
  /** Where viewers come in, once that is known. */
  readonly publicUrl: string;
  /** Where CloudFront's API is asked to forget. */
  readonly invalidations: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Programs {
  readonly server: string;
  /** Of the server. */
  readonly pid: number;
  /** With scope write. */
  readonly token: string;
  /** Resolves to the code of the one that ends first. */
  readonly ended: Promise<number>;
  stop(): Promise<void>;
}

function settingsOf(options: ProgramsOptions, folder: string, tokenHash: string): Record<string, string> {
  const { stack, endpoint, publicUrl, invalidations, environment } = options;
  return {
    ...serverSettings(stack),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_CLOUDFRONT: invalidations,
    S3_ENDPOINT: endpoint,
    ORIGINALS_BUCKET: BUCKETS.originals,
    RESULTS_BUCKET: BUCKETS.results,
    DATA_DIR: folder,
    CDN_DISTRIBUTION: 'MODEL',
    PUBLIC_URL: publicUrl,
    API_TOKENS: `me=write:${tokenHash}`,
    HOST: '127.0.0.1',
    PORT: '0',
    ...environment,
  };
}

function start(name: string, env: Readonly<Record<string, string>>): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [PROGRAM, name], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function addressOf({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('The server has no output');
  const lines = createInterface({ input: stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const said: { ready?: boolean; address?: string } = line.startsWith('{') ? JSON.parse(line) : {};
      if (said.ready && said.address) resolve(said.address);
    });
    lines.once('close', () => reject(new Error('The server has ended')));
  });
}

/** Server and warmer with the stage's own settings over emulated buckets; records and jobs are embedded. */
export async function startPrograms(options: ProgramsOptions): Promise<Programs> {
  const folder = mkdtempSync(join(tmpdir(), 'rendition-edge-'));
  const token = randomBytes(32).toString('hex');
  const env = settingsOf(options, folder, createHash('sha256').update(token).digest('hex'));
  const server = start('server', env);
  const address = await addressOf(server);
  const warmer = start('warmer', env);
  warmer.stdout?.resume();
  const children = [server, warmer];
  const ends = children.map((child) => once(child, 'exit').then(([code]) => Number(code ?? 1)));
  const stop = async () => {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(ends);
    rmSync(folder, { recursive: true, force: true });
  };
  return { server: address, pid: server.pid ?? 0, token, ended: Promise.race(ends), stop };
}
