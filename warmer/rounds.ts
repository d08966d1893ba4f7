import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../server/config/settings.ts';
import type { Jobs } from '../server/stores/jobs.ts';
import type { Objects } from '../server/stores/objects.ts';
import type { Records, Stores } from '../server/stores/stores.ts';
import type { Lifetime } from '../server/warming/lifetime.ts';
import type { Fetches } from '../server/writing/fetches.ts';
import type { Intents } from '../server/writing/intents.ts';
import { type Reconciler, UPLOAD_SECONDS } from '../server/writing/reconciler.ts';
import type { Rewarm } from '../server/writing/rewarm.ts';
import { removeStaged } from '../server/writing/staging.ts';
import { failDeadLetters } from './dead-letters.ts';
import type { OutdatedResults } from './outdated.ts';
import { rewarmRound } from './rewarm-round.ts';
import { Scheduler } from './scheduler.ts';
import type { StatusRollup } from './status-rollup.ts';
import type { StoredResults } from './stored-results.ts';
import { Sweep } from './sweep.ts';

export interface Parts {
  readonly originals: Objects;
  readonly collectGarbage: Stores['collectGarbage'];
  readonly outdated: OutdatedResults;
  readonly storedResults: StoredResults;
  readonly records: Records;
  readonly jobs: Jobs;
  readonly reconciler: Reconciler;
  readonly intents: Intents;
  readonly fetches: Fetches;
  readonly finish: StatusRollup;
  readonly lifetime: Lifetime;
  readonly rewarm: Rewarm;
}

export function composeRounds(
  { visibilitySeconds, sweepSeconds, rewarmVariants }: Config,
  parts: Parts,
  log: Logger,
): Scheduler {
  const now = () => new Date();
  const onFailure = (err: unknown, id: string) => log.warn({ err, id }, 'sweep failed for an image');
  const isStopping = () => scheduler.isStopping;
  const staleSeconds = sweepSeconds + visibilitySeconds;
  const sweep = new Sweep({ ...parts, staleSeconds, now, onFailure, isStopping });
  const scheduler: Scheduler = new Scheduler({
    records: parts.records,
    owner: randomUUID(),
    seconds: sweepSeconds,
    tasks: {
      // Before the sweep: it would take variants whose message has died for lost, and send them again.
      'dead letters': () =>
        failDeadLetters({
          ...parts,
          quietSeconds: visibilitySeconds,
          now,
          onFailure: (err, id) => log.warn({ err, id }, 'a dead letter was not dealt with'),
        }),
      sweep: async () => {
        const sent = await sweep.run();
        if (sent) log.info({ sent }, 'images sent again');
      },
      'staged uploads': async () => {
        const removed = await removeStaged(parts.originals, new Date(Date.now() - UPLOAD_SECONDS * 1000));
        if (removed) log.info({ removed }, 'staged uploads of servers that were killed');
      },
      leftovers: async () => {
        const removed = await parts.collectGarbage();
        if (removed) log.info({ removed }, 'files of writers that were killed');
      },
      'former images': async () => {
        const indexed = await parts.records.images.indexFormer?.(parts.records.progress);
        if (indexed) log.info({ indexed }, 'images of a former program can be found by prefix');
      },
      'outdated results': () => parts.outdated.run(isStopping),
      'stored results': () => parts.storedResults.run(isStopping),
      rewarm: () => rewarmRound(parts, { variants: rewarmVariants, isStopping, log }),
    },
    onFailure: (err, task) => log.warn({ err, task }, 'round failed'),
  });
  return scheduler;
}
