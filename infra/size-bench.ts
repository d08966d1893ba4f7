/**
 * `npm run sizes`: what a server takes of the task that each size gives it. The real server with the settings of the
 * synthesised stage renders photographs of 12 and 20 megapixels over emulated buckets, as many at once as it has slots.
 * Memory is resident memory of all its processes, where shared pages count for each; CPU is what the kernel counts.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { treeCpuMs, treeRssMb } from '../bench/process-tree.ts';
import { synthesise } from './app.ts';
import { putOriginal, startBuckets, startPrograms } from './cloudfront/programs.ts';
import { Stack } from './cloudfront/stack.ts';
import { prefixOf } from './names.ts';
import { NO_IMAGE } from './settings.ts';
import { SIZE_NAMES, SIZES, type Size, taskSize } from './sizing.ts';

const PHOTOS = join(import.meta.dirname, '..', 'test', 'corpus', 'files', 'photos');
const FILES = ['canal-p3-12mp.jpg', 'snow-forest-20mp.jpg'];
const FORMATS = ['avif', 'webp', 'jpeg'];
const WIDTHS = [320, 480, 800, 1200, 1600];
const LOOK_MS = 50;

async function stackOf(size: Size): Promise<Stack> {
  const outdir = mkdtempSync(join(tmpdir(), 'rendition-size-'));
  try {
    await synthesise({ stages: { dev: { size, image: NO_IMAGE } }, environment: {}, outdir });
    return new Stack(join(outdir, 'stacks', prefixOf('dev'), 'cdk.tf.json'));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

interface Measured {
  idleMb: number;
  peakMb: number;
  /** CPU seconds of a render, by format. */
  seconds: Readonly<Record<string, number>>;
}

async function fetchAll(server: string, urls: readonly string[], atOnce: number): Promise<void> {
  const queue = [...urls];
  const work = async () => {
    for (let url = queue.pop(); url; url = queue.pop()) {
      const answer = await fetch(server + url);
      if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function measure(size: Size): Promise<Measured> {
  const buckets = await startBuckets();
  const slots = Math.max(1, Math.floor(SIZES[size].server.cpu / 1024));
  // Times are of an idle machine, which this need not be; the memory is what is looked at.
  const environment = {
    RENDER_SLOTS: String(slots),
    DEADLINE_MS: '300000',
    QUEUE_MS: '60000',
    RENDER_NICE: '0',
  };
  const programs = await startPrograms({
    stack: await stackOf(size),
    endpoint: buckets.endpoint,
    publicUrl: 'http://127.0.0.1',
    invalidations: 'http://127.0.0.1:9',
    environment,
  });
  for (const file of FILES)
    await putOriginal(buckets.endpoint, file, new Uint8Array(readFileSync(join(PHOTOS, file))));
  const idleMb = treeRssMb(programs.pid);
  let peakMb = 0;
  const looking = setInterval(() => {
    peakMb = Math.max(peakMb, treeRssMb(programs.pid));
  }, LOOK_MS);
  const seconds: Record<string, number> = {};
  for (const format of FORMATS) {
    const urls = FILES.flatMap((file) => WIDTHS.map((width) => `/img/${file}?w=${width}&fmt=${format}`));
    const before = treeCpuMs(programs.pid);
    await fetchAll(programs.server, urls, slots);
    seconds[format] = (treeCpuMs(programs.pid) - before) / 1000 / urls.length;
  }
  clearInterval(looking);
  await programs.stop();
  await buckets.stop();
  return { idleMb, peakMb, seconds };
}

for (const size of SIZE_NAMES) {
  const { idleMb, peakMb, seconds } = await measure(size);
  const { memoryMiB } = taskSize(size, 'server');
  const perFormat = FORMATS.map((format) => `${format} ${seconds[format]?.toFixed(2)}`).join(', ');
  process.stdout.write(
    `${size}: task ${memoryMiB} MiB; server idle ${idleMb.toFixed(0)} MB, at its peak ${peakMb.toFixed(0)} MB; CPU seconds a render: ${perFormat}\n`,
  );
}
