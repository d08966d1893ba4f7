export const SIZE_NAMES = ['tiny', 'small', 'medium', 'large'] as const;
export type Size = (typeof SIZE_NAMES)[number];

/** CPU in Fargate units (1,024 is one vCPU), memory in MiB, task counts for autoscaling. */
export interface TaskSize {
  cpu: number;
  memoryMiB: number;
  minTasks: number;
  maxTasks: number;
}

interface Row {
  server: TaskSize;
  warmer: TaskSize;
  /** Both programs in one task: the sizes are its parts, and the task is their sum. */
  together?: boolean;
}

/**
 * What a program needs was measured by `npm run sizes` (size-bench.ts; docs/operations.md#capacity-planning): a server
 * with its render processes takes 310 to 340 MB at rest and 0.6 to 0.7 GB at its peak with one to two photographs of
 * 20 MP at work, and 0.3 to 0.5 CPU seconds a render. The rest of a task is for the largest originals that are accepted
 * (100 MP), since half of its memory is what renders may take together.
 *
 * Two servers at least, one for each zone; one warmer at least, because backlog per task has no answer at zero.
 */
export const SIZES: Readonly<Record<Size, Row>> = {
  tiny: {
    server: { cpu: 256, memoryMiB: 1024, minTasks: 1, maxTasks: 2 },
    warmer: { cpu: 256, memoryMiB: 1024, minTasks: 1, maxTasks: 2 },
    together: true,
  },
  small: {
    server: { cpu: 512, memoryMiB: 2048, minTasks: 2, maxTasks: 8 },
    warmer: { cpu: 512, memoryMiB: 2048, minTasks: 1, maxTasks: 8 },
  },
  medium: {
    server: { cpu: 2048, memoryMiB: 4096, minTasks: 2, maxTasks: 10 },
    warmer: { cpu: 2048, memoryMiB: 4096, minTasks: 1, maxTasks: 12 },
  },
  large: {
    server: { cpu: 4096, memoryMiB: 8192, minTasks: 4, maxTasks: 30 },
    warmer: { cpu: 4096, memoryMiB: 8192, minTasks: 1, maxTasks: 40 },
  },
};

/** What Fargate is asked for: the one task of a size that runs both programs, or a program's own. */
export function taskSize(size: Size, program: 'server' | 'warmer'): TaskSize {
  const { server, warmer, together } = SIZES[size];
  if (!together) return SIZES[size][program];
  return { ...server, cpu: server.cpu + warmer.cpu, memoryMiB: server.memoryMiB + warmer.memoryMiB };
}

/** Fewest servers of a stage. */
export const fewestServers = (settings: { size: Size; min_servers: number }): number =>
  settings.min_servers || SIZES[settings.size].server.minTasks;
