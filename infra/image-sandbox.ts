// Runs inside the image, started by image-check.sh: what is around its render processes holds, and what befalls one of
// them costs nobody else anything.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { compiledModules } from '../server/sandbox/compiled.ts';
import { type Launch, strongestLaunch } from '../server/sandbox/launch.ts';
import { openScratch } from '../server/shared/scratch.ts';

const [, , base = '', token = '', hostileSource = ''] = process.argv;

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const layersOf = (metrics: string): string[] =>
  [...metrics.matchAll(/^rendition_sandbox_layer\{layer="([^"]+)"\} 1$/gm)].map(([, layer = '']) => layer);

interface Attempt {
  got?: string;
  refused?: string;
}

/** What an exploit would try, under the launch of this image. */
async function attempts(
  launch: Launch,
  script: string,
): Promise<(kind: string, target: string) => Promise<Attempt>> {
  const [execPath = process.execPath, ...rest] = launch.wrapper;
  const child: ChildProcess = fork(script, {
    execPath,
    execArgv: [...rest, process.execPath, ...launch.nodeFlags],
    env: { ...launch.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.unref();
  await once(child, 'message');
  return async (kind, target) => {
    child.send({ kind, target });
    const [answer] = await once(child, 'message');
    return answer;
  };
}

/** @param isNative  as code does it that Node's own check does not bind */
async function checkLayers(layers: readonly string[], isNative: boolean): Promise<void> {
  const scratch = await openScratch(tmpdir());
  const compiled = compiledModules();
  // Node puts the number of its user to the folder's name.
  const names = compiled === undefined ? [] : readdirSync(compiled);
  check(
    names.some((name) => name.endsWith(`-${process.getuid?.()}`)),
    'nothing was compiled for render processes when the image was built',
  );
  const launch = strongestLaunch({ scratch, niceness: 0, compiled });
  check(
    [...launch.layers].sort().join() === [...layers].sort().join(),
    `the server says ${layers}, here are ${launch.layers}`,
  );
  const script = join(scratch.folder, 'hostile.ts');
  writeFileSync(script, Buffer.from(hostileSource, 'base64'), { mode: 0o644 });
  const tries = await attempts(isNative ? { ...launch, nodeFlags: [] } : launch, script);
  const refuses = async (kind: string, target: string) => {
    const { refused, got } = await tries(kind, target);
    check(refused !== undefined, `${isNative ? 'native: ' : ''}${kind} ${target} ${got}`);
  };
  check(
    !/TOKEN|DATA_DIR/.test((await tries('environment', '')).got ?? ''),
    'an environment that is not empty',
  );
  if (layers.includes('no-network')) await refuses('connect', new URL(base).port);
  const isApart = !isNative || layers.includes('other-user');
  if (isApart)
    for (const path of ['/proc/1/environ', `/proc/${process.pid}/environ`]) await refuses('read', path);
  if (isApart)
    for (const path of ['/data/hostile', '/app/hostile', `${compiled}/hostile`]) await refuses('write', path);
  if (!isNative) await refuses('write', '/tmp/hostile');
  check(
    (await tries('write', join(scratch.writable, 'spill'))).got !== undefined,
    'its own scratch is not writable',
  );
  await scratch.close();
}

/** The folder that the server runs from, as its render processes are told it: others of this machine may be seen too. */
const OWN = `--allow-fs-read=${join(process.cwd(), '..')}`;

const renderProcesses = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return words.includes('sandbox/render-process') && words.includes(OWN);
      } catch {
        return false;
      }
    });

/** Processor time so far, in ticks. */
function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

/** The render process that has worked most within a moment. */
async function busiest(): Promise<number | undefined> {
  const before = new Map(renderProcesses().map((pid) => [pid, ticksOf(pid)]));
  await pause(1000);
  const worked = (pid: number) => ticksOf(pid) - (before.get(pid) ?? 0);
  return [...before.keys()].sort((a, b) => worked(b) - worked(a))[0];
}

async function upload(id: string, bytes: string | Buffer): Promise<void> {
  const body = new FormData();
  body.set('id', id);
  body.set('file', new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)]), id);
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${base}/api/images`, { method: 'POST', headers, body });
  check(answer.status === 202, `upload of ${id}: ${answer.status} ${await answer.text()}`);
}

/** Status and what is told. */
async function asked(path: string): Promise<string> {
  const answer = await fetch(base + path);
  if (answer.ok) return `${answer.status} ${(await answer.arrayBuffer()).byteLength > 0}`;
  const { code, detail }: { code?: string; detail?: string } = JSON.parse(await answer.text());
  return `${answer.status} ${code} ${detail}`;
}

let width = 10;

/** Asks for what kills its process, and for pictures of somebody else's meanwhile and afterwards. */
async function checkDeath(path: string, expected: RegExp, meddle = () => pause(200)): Promise<void> {
  let answer: string | undefined;
  const asking = asked(path).then((text) => {
    answer = text;
  });
  do {
    width += 1;
    const neighbour = await asked(`/img/check/red.png?w=4&h=${width}&fit=fill&fmt=webp`);
    check(neighbour === '200 true', `beside ${path} another picture is ${neighbour}`);
    if (answer === undefined) await meddle();
  } while (answer === undefined);
  await asking;
  check(expected.test(answer), `${path} is ${answer}`);
  const health = await fetch(`${base}/readyz`);
  check(health.ok, `after ${path} the server is not ready`);
}

const svg = (content: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="100" height="100">${content}<rect width="100" height="100" filter="url(#f)"/></svg>`;

async function checkDeaths(): Promise<void> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const photo = sharp({ create: { width: 3000, height: 2000, channels: 3, background: 'grey', noise } });
  await upload('check/slow.jpg', await photo.jpeg().toBuffer());
  await upload(
    'check/spins.svg',
    svg(
      '<filter id="f"><feTurbulence baseFrequency=".01" numOctaves="12"/><feGaussianBlur stdDeviation="9"/></filter>',
    ),
  );
  const floods = Array.from({ length: 90 }, (_, index) => `<feFlood flood-color="red" result="f${index}"/>`);
  const nodes = floods.map((_, index) => `<feMergeNode in="f${index}"/>`).join('');
  await upload(
    'check/eats.svg',
    svg(`<filter id="f">${floods.join('')}<feMerge>${nodes}</feMerge></filter>`),
  );
  // A render is tried twice.
  await checkDeath(
    '/img/check/slow.jpg?w=3000&fmt=avif&effort=small',
    /^422 unrenderable .*crashed/,
    async () => {
      const pid = await busiest();
      if (pid !== undefined) process.kill(pid, 'SIGSEGV');
    },
  );
  await checkDeath('/img/check/spins.svg?w=3000&fmt=png', /^422 unrenderable .*ms of the processor/);
  await checkDeath('/img/check/eats.svg?w=3000&fmt=png', /^422 unrenderable .*bytes of memory/);
}

const layers = layersOf(await (await fetch(`${base}/metrics`)).text());
check(layers.includes('empty-environment') && layers.includes('file-permissions'), `layers are ${layers}`);
check(
  getCompileCacheDir()?.startsWith('/app/') === true,
  'nothing was compiled for programs when the image was built',
);
await checkLayers(layers, false);
await checkLayers(layers, true);
await checkDeaths();
process.stdout.write(`sandbox: ${layers.join(', ')}\n`);
process.exit(0);
