/**
 * `npm run soak`, or `npm run soak -- --minutes 5 --seed 7`: half an hour of mixed load while programs are restarted one
 * after the other and their render processes crash. Ends with 1 where something was wrong.
 */
import { parseArgs } from 'node:util';
import { ratio } from '../../bench/stats.ts';
import { seedOfDay } from '../support/seeded.ts';
import { soak } from './soak.ts';

/** What the last quarter may take of the second, and from when on that says something: caches fill at first. */
const MAX_GROWTH = 1.05;
const JUDGED_MINUTES = 20;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(seedOfDay()) },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
let told = 0;
const report = await soak({
  minutes: Number(values.minutes),
  seed: Number(values.seed),
  restartSeconds: 45,
  onProgress: (text) => {
    told += 1;
    if (told % 12 === 0) say(text);
  },
});
const [, second = 0, , last = 0] = report.quartersMb;
say(`seed ${values.seed}: ${report.restarts} restarts, ${report.crashes} crashes of render processes`);
say(
  [...report.answers]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', '),
);
say(`${report.accepted} pictures were accepted and are there, ${report.removed} were removed and are gone`);
say(
  `memory by quarter: ${report.quartersMb.map((mb) => mb.toFixed(0)).join(', ')} MB; last to second ${ratio(last / second)} (budget <= ${MAX_GROWTH} x)`,
);
for (const fault of report.faults) say(`WRONG: ${fault}`);
const hasGrown = Number(values.minutes) >= JUDGED_MINUTES && last > second * MAX_GROWTH;
process.exit(report.faults.length > 0 || hasGrown ? 1 : 0);
