import type { Logger } from 'pino';
import type { Jobs } from '../server/stores/jobs.ts';
import type { Rewarm } from '../server/writing/rewarm.ts';

/** Jobs that may wait while more is queued that nobody waits for. */
const IDLE_JOBS = 10;

export interface RewarmRoundOptions {
  /** 0: none is made again by itself. */
  readonly variants: number;
  readonly isStopping: () => boolean;
  readonly log: Logger;
}

/** Makes again what has expired, where the queue has little else to do: what somebody asks for goes first. */
export async function rewarmRound(
  { jobs, rewarm }: { readonly jobs: Pick<Jobs, 'depth'>; readonly rewarm: Rewarm },
  { variants, isStopping, log }: RewarmRoundOptions,
): Promise<void> {
  if (variants === 0 || (await jobs.depth()).ready > IDLE_JOBS) return;
  const round = await rewarm.round({ variants, isStopping, rests: true });
  if (round?.queued) log.info(round, 'variants that had expired are made again');
}
