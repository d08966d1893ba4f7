import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { corpusPath } from '../../test/support/corpus.ts';
import { runFolder } from '../folders.ts';
import { drive, GENERATOR } from '../generator.ts';
import { startProgram } from '../program.ts';
import { median } from '../stats.ts';
import { nginxProgram, renderers, startNginx } from './contestants.ts';
import { ask, Ours } from './ours.ts';
import { atLeast, type Measured, shown, standing, type Target } from './part.ts';

/** About 30 KB, as notes on web pages have it. */
const PATH = '/img/ladybug.jpg?w=480&fmt=webp';
const ROUNDS = 7;
const LOAD = { connections: 16, seconds: 1 };

interface Contestant {
  readonly name: string;
  readonly url: string;
  cpuMs(): number;
}

/** Answers per CPU second, by name and round, in turns; the first round does not count. */
async function race(all: readonly Contestant[]): Promise<Map<string, number[]>> {
  const laps = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    const turn = round % all.length;
    for (const { name, url, cpuMs } of [...all.slice(turn), ...all.slice(0, turn)]) {
      const before = cpuMs();
      const answers = await drive(url, LOAD);
      if (round > 0) laps.set(name, [...(laps.get(name) ?? []), (answers * 1000) / (cpuMs() - before)]);
    }
  }
  return laps;
}

const against = (laps: Map<string, number[]>, name: string): number =>
  median(
    (laps.get('Rendition') ?? []).map((speed, round) => speed / (laps.get(name)?.[round] ?? Number.NaN)),
  );

function outcome(
  title: string,
  plot: string,
  laps: Map<string, number[]>,
  targets: readonly Target[],
): Measured {
  const rows = [...laps].map(([name, speeds]) => [
    name,
    shown(median(speeds)),
    name === 'Rendition' ? '-' : standing(against(laps, name), 1, 'more'),
  ]);
  return {
    tables: [{ title, head: ['who', 'answers per CPU second', 'ours against it'], rows }],
    targets,
    plots: [
      {
        name: plot,
        title: 'Answers per CPU second',
        bars: [...laps].map(([label, speeds]) => ({ label, value: median(speeds) })),
      },
    ],
    notes: [
      `${PATH}, ${LOAD.connections} connections, load by ${GENERATOR}, ${ROUNDS} rounds of ${LOAD.seconds} s.`,
    ],
  };
}

/** Who was started, to be stopped whatever happens. */
async function withAll<T>(
  work: (stop: (it: { stop(): Promise<unknown> }) => void, folder: string) => Promise<T>,
): Promise<T> {
  const folder = runFolder();
  const started: { stop(): Promise<unknown> }[] = [];
  try {
    return await work((it) => started.push(it), folder);
  } finally {
    await Promise.all(started.map((it) => it.stop()));
  }
}

async function oursWithSample(env: Record<string, string>): Promise<Ours> {
  const ours = await Ours.start({ UPGRADE: 'off', ...env });
  await ours.put('ladybug.jpg', corpusPath('samples/ladybug.jpg'));
  return ours;
}

/** Work 1: a result in memory, the default log on; beside bare node:http, and nginx that has it as a file or in its cache. */
export const hits = (): Promise<Measured> =>
  withAll(async (stop, folder) => {
    const ours = await oursWithSample({});
    stop(ours);
    const url = `http://127.0.0.1:${ours.program.port}${PATH}`;
    const body = await ours.get(PATH);
    const bare = await startProgram(['bench/bare-server.ts'], /listening/, { COPY_OF: url });
    stop(bare);
    const all: Contestant[] = [
      { name: 'Rendition', url, cpuMs: ours.program.cpuMs },
      { name: 'bare node:http', url: `http://127.0.0.1:${bare.port}${PATH}`, cpuMs: bare.cpuMs },
    ];
    const nginx = nginxProgram();
    if (nginx) {
      await writeFile(join(folder, 'ladybug.webp'), body);
      const fixed = await startNginx(nginx, folder, `location / { root ${folder}; }`);
      stop(fixed);
      const cache = `location / { proxy_pass http://127.0.0.1:${ours.program.port}; proxy_cache pictures; proxy_cache_valid 200 1h; }`;
      const proxy = await startNginx(nginx, folder, cache);
      stop(proxy);
      all.push({
        name: 'nginx, static',
        url: `http://127.0.0.1:${fixed.port}/ladybug.webp`,
        cpuMs: fixed.cpuMs,
      });
      all.push({
        name: 'nginx, proxy_cache',
        url: `http://127.0.0.1:${proxy.port}${PATH}`,
        cpuMs: proxy.cpuMs,
      });
    }
    const laps = await race(all);
    return outcome('### A result in memory', 'hits', laps, [
      atLeast(
        'memory hits per CPU second against bare node:http, default log',
        0.9,
        against(laps, 'bare node:http'),
      ),
      atLeast('memory hits per CPU second against nginx static', 0.6, against(laps, 'nginx, static')),
    ]);
  });

/** The one file of a result, once it is stored. */
async function resultFile(folder: string): Promise<string> {
  for (let look = 0; look < 100; look++) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const file = entries.find((entry) => entry.isFile() && !entry.parentPath.includes('.tmp'));
    if (file) return join(file.parentPath, file.name);
    await sleep(100);
  }
  throw new Error(`No result was stored in ${folder}.`);
}

/** Work 2: a result on disk and not in memory; beside bare node:http that opens, reads and closes it, and imagor's store. */
export const stored = (): Promise<Measured> =>
  withAll(async (stop, folder) => {
    const ours = await oursWithSample({ MEMORY_CACHE_BYTES: '0' });
    stop(ours);
    const url = `http://127.0.0.1:${ours.program.port}${PATH}`;
    await ours.get(PATH);
    const file = await resultFile(join(ours.folder, 'results'));
    const bare = await startProgram(['bench/bare-server.ts'], /listening/, { COPY_OF: url, BARE_FILE: file });
    stop(bare);
    const all: Contestant[] = [
      { name: 'Rendition', url, cpuMs: ours.program.cpuMs },
      { name: 'bare node:http', url: `http://127.0.0.1:${bare.port}${PATH}`, cpuMs: bare.cpuMs },
    ];
    const imagor = renderers().find(({ name }) => name === 'imagor');
    if (imagor) {
      await writeFile(join(folder, 'ladybug.jpg'), await ask(ours.program.port, '/img/ladybug.jpg'));
      const running = await imagor.start(folder, join(folder, 'results'));
      stop(running);
      const path = imagor.pathOf({ file: 'ladybug.jpg', width: 480, format: 'webp' });
      await ask(running.port, path);
      await sleep(500);
      all.push({
        name: 'imagor, file store',
        url: `http://127.0.0.1:${running.port}${path}`,
        cpuMs: running.cpuMs,
      });
    }
    const laps = await race(all);
    return outcome('### A result on disk', 'stored', laps, [
      atLeast(
        'stored hits per CPU second against bare node:http on the same file',
        0.8,
        against(laps, 'bare node:http'),
      ),
      atLeast(
        "stored hits per CPU second against imagor's file store",
        1,
        against(laps, 'imagor, file store'),
      ),
    ]);
  });
