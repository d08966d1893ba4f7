import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Admission } from '../shared/admission.ts';
import type { Jobs } from '../stores/jobs.ts';
import type { Labels, Metrics, Readings } from './metrics.ts';

/** What runs, in words that a dashboard shows. */
export interface Build {
  readonly version: string;
  readonly pipeline: string;
  readonly revision: string;
}

export function tellBuild(metrics: Metrics, build: Build): void {
  metrics.set('buildInfo', 1, { ...build, node: process.version });
}

/** @param folders  by the name that they are shown under; one that is not there is left out */
export function readDisks(metrics: Metrics, folders: Readonly<Record<string, string>>): void {
  const read = async (bytesOf: (facts: StatsFs) => number): Promise<Readings> => {
    const readings = Object.entries(folders).map(async ([folder, path]) => {
      const facts = await statfs(path).catch(() => undefined);
      return facts ? [[{ folder }, bytesOf(facts)] as const] : [];
    });
    return (await Promise.all(readings)).flat();
  };
  metrics.readAll('diskFreeBytes', () => read(({ bavail, bsize }) => bavail * bsize));
  metrics.readAll('diskSizeBytes', () => read(({ blocks, bsize }) => blocks * bsize));
}

export interface Rendering {
  readonly render: Admission;
  readonly room: Admission;
  readonly pool: {
    readonly load: { readonly processes: number; readonly busy: number };
    readonly ends: Readonly<Record<string, number>>;
    readonly layers: readonly string[];
  };
  /** Every layer that there can be. */
  readonly layers: readonly string[];
}

export function readRendering(metrics: Metrics, { render, room, pool, layers }: Rendering): void {
  const each = (label: string, values: Readonly<Record<string, number>>): Readings =>
    Object.entries(values).map(([name, value]) => [{ [label]: name } satisfies Labels, value] as const);
  metrics.read('renderHolders', () => render.load.holders);
  metrics.read('renderWaiting', () => render.load.waiting);
  metrics.read('renderPricedBytes', () => render.load.bytes);
  metrics.read('scratchBytes', () => room.load.bytes);
  metrics.readAll('renderProcesses', () => {
    const { processes, busy } = pool.load;
    return each('state', { busy, idle: processes - busy });
  });
  metrics.readAll('renderProcessEnds', () => each('reason', pool.ends));
  metrics.readAll('sandboxLayer', () =>
    layers.map((layer) => [{ layer }, Number(pool.layers.includes(layer))] as const),
  );
}

/** A queue that does not answer has no sample: the others are wanted all the more. */
export function readJobs(metrics: Metrics, jobs: Pick<Jobs, 'depth' | 'oldestSentAt'>): void {
  metrics.readAll('jobs', async () => {
    const depth = await jobs.depth().catch(() => undefined);
    if (!depth) return [];
    return [
      [{ state: 'ready' }, depth.ready],
      [{ state: 'in_flight' }, depth.inFlight],
      [{ state: 'dead' }, depth.dead],
    ];
  });
  metrics.readAll('jobOldestSeconds', async () => {
    const sentAt = await jobs.oldestSentAt().catch(() => null);
    // SQS has told this process of no job yet.
    if (sentAt === null || sentAt?.getTime() === 0) return [];
    return [[{}, sentAt ? Math.max(0, (Date.now() - sentAt.getTime()) / 1000) : 0]];
  });
}
