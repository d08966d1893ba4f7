/** CPU in Fargate units (1,024 is one vCPU), memory in MiB, task counts for autoscaling. */
export interface TaskSize {
  cpu: number;
  memoryMiB: number;
  minTasks: number;
  maxTasks: number;
}

/** Two servers at least, one for each zone; one warmer at least, because backlog per task has no answer at zero. */
export const SIZES = {
  small: {
    server: { cpu: 1024, memoryMiB: 2048, minTasks: 2, maxTasks: 4 },
    warmer: { cpu: 1024, memoryMiB: 2048, minTasks: 1, maxTasks: 4 },
  },
  medium: {
    server: { cpu: 2048, memoryMiB: 4096, minTasks: 2, maxTasks: 10 },
    warmer: { cpu: 2048, memoryMiB: 4096, minTasks: 1, maxTasks: 12 },
  },
  large: {
    server: { cpu: 4096, memoryMiB: 8192, minTasks: 4, maxTasks: 30 },
    warmer: { cpu: 4096, memoryMiB: 8192, minTasks: 2, maxTasks: 40 },
  },
} as const satisfies Record<string, { server: TaskSize; warmer: TaskSize }>;

export type Size = keyof typeof SIZES;
export const SIZE_NAMES = ['small', 'medium', 'large'] as const satisfies readonly Size[];
