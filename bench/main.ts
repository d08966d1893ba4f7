/**
 * `npm run bench`, or `npm run bench -- hits cold`: ratios measured in turns in one run.
 * `--photos FOLDER` renders photographs of one's own in `cold` and `efforts`; `--seconds 60` makes each round of
 * `overload` so long, `--renders 20000` the part of `memory` that looks for growth. `npm run bench -- peers` is a report of
 * its own, bench/peers.md says how.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { arrival } from './arrival.ts';
import { away } from './away.ts';
import { bytes } from './bytes.ts';
import { cold } from './cold.ts';
import { efforts } from './efforts.ts';
import { fanOutRows } from './fan-out.ts';
import { hits, storedHits, storedHitsInS3 } from './hits.ts';
import { learned } from './learned.ts';
import { liveLane } from './live-lane.ts';
import { manyVariants } from './many-variants.ts';
import { memory } from './memory.ts';
import { overload } from './overload.ts';
import { peers } from './peers/index.ts';
import { slowDrawings } from './slow-drawings.ts';
import { print, type Row } from './stats.ts';
import { turned } from './turned.ts';
import { upgrade } from './upgrade.ts';
import { waitingJobs } from './waiting-jobs.ts';
import { writes } from './writes.ts';

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: {
    photos: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    renders: { type: 'string', default: '2000' },
    resume: { type: 'boolean', default: false },
  },
});

const BENCHES: Readonly<Record<string, { title: string; run: () => Promise<Row[]> }>> = {
  hits: { title: 'Memory hit over HTTP', run: hits },
  stored: { title: 'Stored hit over HTTP, nothing in memory', run: storedHits },
  'stored-s3': { title: 'Stored hit over HTTP, results in S3 on this machine', run: storedHitsInS3 },
  cold: { title: 'Cold render over HTTP', run: () => cold(values.photos) },
  efforts: { title: 'Efforts of the encoders at equal SSIMULACRA2', run: () => efforts(values.photos) },
  arrival: { title: 'Decode of an upload', run: arrival },
  bytes: { title: 'Bytes of the corpus in its own formats and sizes', run: bytes },
  turned: { title: 'EXIF-turned originals', run: turned },
  'fan-out': { title: 'Warming 12 variants of a 20 MP photograph', run: fanOutRows },
  'slow-drawings': { title: 'Cold renders while slow drawings wait', run: slowDrawings },
  overload: {
    title: 'Memory hits while four times too many renders are asked for',
    run: () => overload(Number(values.seconds)),
  },
  'live-lane': { title: 'Memory hits while a warmer works', run: liveLane },
  away: { title: 'Memory hits while what stands behind them is away', run: away },
  learned: { title: 'First visits of new images, warmed by what was asked for before', run: learned },
  memory: { title: 'Memory of npm start', run: () => memory(Number(values.renders)) },
  upgrade: { title: 'A page of new pictures, and after the warmer was idle', run: upgrade },
  'many-variants': { title: 'An image with 2,000 variants', run: manyVariants },
  'waiting-jobs': { title: 'Receives by how many jobs wait', run: waitingJobs },
  writes: { title: 'What each call writes to DynamoDB, S3 and SQS', run: writes },
};

if (asked[0] === 'peers') {
  await peers(asked.slice(1), values.resume);
  process.exit(0);
}
const unknown = asked.find((name) => !(name in BENCHES));
if (unknown) throw new Error(`No bench "${unknown}"; there are: ${Object.keys(BENCHES).join(' ')}`);
process.stdout.write(
  `Node ${process.version}, ${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown CPU'}\n`,
);
for (const [name, { title, run }] of Object.entries(BENCHES)) {
  if (asked.length === 0 || asked.includes(name)) print(title, await run());
}
process.exit(0);
