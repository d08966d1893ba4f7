import { type Bill, balancerMonth, edgeBill, SECONDS, type Traffic, taskMonth, vcpusFor } from './model.ts';
import { PRICES } from './prices.ts';

/** Sizes of Dynamic Image Transformation for Amazon CloudFront 8.0 (its own templates): tasks wanted and at most. */
const DIT_SIZES = [
  { tasks: 2, maxTasks: 4, cpu: 1024, memoryMiB: 2048 },
  { tasks: 3, maxTasks: 8, cpu: 2048, memoryMiB: 4096 },
  { tasks: 8, maxTasks: 20, cpu: 2048, memoryMiB: 4096 },
  { tasks: 30, maxTasks: 96, cpu: 2048, memoryMiB: 4096 },
] as const;

/**
 * The same traffic there: nothing that was rendered is kept, so every miss of CloudFront is a render, on x86 and on demand.
 * Its stack for administration and its own table are left out.
 */
export function ditCost(traffic: Traffic): Bill {
  const misses = traffic.requests * (1 - traffic.hitRatio);
  const vcpus = vcpusFor(traffic, misses);
  const peak = ((misses / SECONDS) * traffic.peak * traffic.vcpuSecondsPerRender) / traffic.utilisation;
  const size =
    DIT_SIZES.find(({ maxTasks, cpu }) => (maxTasks * cpu) / 1024 >= peak) ?? DIT_SIZES[DIT_SIZES.length - 1];
  if (!size) throw new Error('No sizes');
  const tasks = Math.max(size.tasks, Math.ceil(vcpus / (size.cpu / 1024)));
  return {
    'servers (Fargate, on demand)': tasks * taskMonth(size, PRICES.fargateX86),
    'load balancer': balancerMonth(traffic),
    logs: (misses / 1e6) * 0.5 * PRICES.logsGb,
    ...edgeBill(traffic),
  };
}
