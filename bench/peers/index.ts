import { memory } from '../memory.ts';
import { overload } from '../overload.ts';
import { childrenOf } from '../process-tree.ts';
import { cold } from './cold.ts';
import { herds } from './herd.ts';
import { hits, stored } from './hits.ts';
import { page } from './page.ts';
import type { Part } from './part.ts';
import { reportOf } from './report.ts';
import { measuredOf } from './rows.ts';
import { small } from './small.ts';
import { growth, startUp } from './startup.ts';
import { warm } from './warm.ts';

/** Of each of its rounds, and of the longer part: what fits into a report of minutes. */
const SECONDS = Number(process.env['OVERLOAD_SECONDS'] ?? 5);
const RENDERS = Number(process.env['RENDERS'] ?? 800);

const PARTS: Readonly<Record<string, Part>> = {
  hits: { title: 'Memory hits', run: hits },
  stored: { title: 'Stored hits', run: stored },
  cold: { title: 'Cold renders', run: cold },
  page: { title: 'A page', run: page },
  herd: { title: 'A herd', run: herds },
  overload: {
    title: 'Overload',
    run: async () =>
      measuredOf(
        `Four times as many cold renders as can be made, rounds of ${SECONDS} s`,
        await overload(SECONDS),
      ),
  },
  warm: { title: 'Warming', run: warm },
  small: { title: 'Small and turned', run: small },
  memory: {
    title: 'Memory',
    run: async () => measuredOf(`After warming, and over ${RENDERS} mixed renders`, await memory(RENDERS)),
  },
  growth: { title: 'Growth', run: growth },
  start: { title: 'Start-up', run: startUp },
};

/**
 * `npm run bench -- peers`: writes bench/report.md. `peers cold hits` measures those parts anew and keeps the others;
 * `--resume` goes on where a run at this commit was broken off.
 *
 * @throws Error that names a part that there is not
 */
export async function peers(names: readonly string[], isResumed: boolean): Promise<void> {
  const unknown = names.find((name) => !(name in PARTS));
  if (unknown) throw new Error(`No part "${unknown}"; there are: ${Object.keys(PARTS).join(' ')}`);
  // Who breaks it off leaves no server behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  process.once('exit', () => {
    for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGTERM');
  });
  process.stdout.write('\nBeside others, into bench/report.md\n');
  await reportOf(PARTS, { names, isResumed });
}
