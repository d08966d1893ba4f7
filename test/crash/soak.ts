import { parseArgs } from 'node:util';
import { crash } from './scenario.ts';

/** `node test/crash/soak.ts --images 200 --kills 40`: prints what happened; 1 when anything was lost. */
const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '200' },
    warmers: { type: 'string', default: '2' },
    kills: { type: 'string', default: '40' },
    'server-kills': { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const seed = Number(values.seed);
process.stdout.write(`seed ${seed}\n`);
const { accepted, kills, seconds, faults } = await crash({
  images: Number(values.images),
  warmers: Number(values.warmers),
  kills: Number(values.kills),
  serverKills: Number(values['server-kills']),
  seed,
});
for (const fault of faults.slice(0, 50)) process.stdout.write(`  ${fault}\n`);
process.stdout.write(
  `${accepted} images accepted, ${kills.warmer} kills of a warmer, ${kills.server} of the server, ` +
    `${seconds.toFixed(0)} s: ${faults.length ? `${faults.length} faults` : 'all completed, each variant one result'}\n`,
);
process.exitCode = faults.length ? 1 : 0;
