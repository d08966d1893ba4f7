import { symlink } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { corpusPath } from '../../test/support/corpus.ts';
import { runFolder } from '../folders.ts';
import { quantile } from '../stats.ts';
import { ofEachRenderer } from './contestants.ts';
import { Ours } from './ours.ts';
import { type Measured, shown } from './part.ts';

const CLIENTS = 500;
const FILE = 'ladybug.jpg';
const WANTED_MS = 60_000;

interface Herd {
  readonly cpuMs: number;
  readonly p99Ms: number;
  /** Answers that were no picture. */
  readonly refused: number;
}

/** ms until the last byte; undefined for what is no 200. */
function timed(url: string, agent: http.Agent): Promise<number | undefined> {
  const started = performance.now();
  return new Promise((resolve) => {
    const request = http.get(url, { agent, timeout: WANTED_MS }, (response) => {
      response.on('data', () => undefined);
      response.on('end', () =>
        resolve(response.statusCode === 200 ? performance.now() - started : undefined),
      );
      response.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

async function herd(url: string, clients: number, cpuMs: () => number): Promise<Herd> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  const before = cpuMs();
  const times = await Promise.all(Array.from({ length: clients }, () => timed(url, agent)));
  agent.destroy();
  const answered = times.filter((ms) => ms !== undefined);
  return { cpuMs: cpuMs() - before, p99Ms: quantile(answered, 0.99), refused: clients - answered.length };
}

const row = (name: string, alone: Herd, all: Herd): string[] => [
  name,
  `${shown(all.p99Ms / alone.p99Ms)} x`,
  alone.cpuMs > 0 ? `${shown(all.cpuMs / alone.cpuMs)} x` : '-',
  String(all.refused),
];

/** Work 5: five hundred clients who ask for one picture that nobody has made. */
export async function herds(): Promise<Measured> {
  const folder = runFolder();
  const path = corpusPath(`samples/${FILE}`);
  await symlink(path, join(folder, FILE));
  const ours = await Ours.start({ UPGRADE: 'off' });
  const rows: string[][] = [];
  let renders = Number.NaN;
  try {
    for (const id of ['warm-up', 'alone', 'herd']) await ours.put(id, path);
    const url = (id: string) => `http://127.0.0.1:${ours.program.port}/img/${id}?w=800&fmt=webp`;
    await herd(url('warm-up'), 1, ours.program.cpuMs);
    const alone = await herd(url('alone'), 1, ours.program.cpuMs);
    const encodes = () => ours.metric('rendition_stage_seconds_count{stage="encode"');
    const before = await encodes();
    const all = await herd(url('herd'), CLIENTS, ours.program.cpuMs);
    renders = (await encodes()) - before;
    rows.push(row('Rendition', alone, all));
    const theirs = await ofEachRenderer(folder, async (peer, { port, cpuMs }) => {
      const url = (width: number) =>
        `http://127.0.0.1:${port}${peer.pathOf({ file: FILE, width, format: 'webp' })}`;
      await herd(url(640), 1, cpuMs);
      return row(peer.name, await herd(url(800), 1, cpuMs), await herd(url(800), CLIENTS, cpuMs));
    });
    rows.push(...theirs);
  } finally {
    await ours.stop();
  }
  return {
    tables: [
      {
        title: `### ${CLIENTS} clients, one cold picture of 8 MP`,
        head: ['who', 'p99 against one client alone', 'CPU against one client alone', 'refused'],
        rows,
      },
    ],
    targets: [
      {
        what: `renders for ${CLIENTS} clients of one cold picture`,
        wanted: '1',
        figure: shown(renders),
        isMet: renders === 1,
      },
    ],
  };
}
