import { seeded } from '../../test/support/seeded.ts';
import { Ours, originals } from './ours.ts';
import { atMost, type Measured, mean, shown } from './part.ts';

/** Renders; RENDERS in the environment for more of them. */
const RENDERS = Number(process.env['RENDERS'] ?? 1200);
const CLIENTS = 2;
const FORMATS = ['webp', 'jpeg', 'avif', 'png'];

/** Work 8: resident memory of all processes over renders of every kind, by quarters. */
export async function memory(): Promise<Measured> {
  const random = seeded(8);
  const photos = originals();
  // What is kept is another question, and bounded by its setting: here it would hide what grows.
  const ours = await Ours.start({ UPGRADE: 'off', MEMORY_CACHE_BYTES: '16MiB' });
  const samples: number[] = [];
  try {
    for (const { file, path } of photos) await ours.put(file, path);
    let asked = 0;
    const client = async () => {
      while (asked < RENDERS) {
        const number = asked++;
        const { file } = photos[Math.floor(random() * photos.length)] ?? { file: '' };
        const format = FORMATS[number % FORMATS.length];
        await ours.get(
          `/img/${file}?w=${64 + Math.floor(random() * 500)}&h=${64 + Math.floor(random() * 400)}&fmt=${format}`,
        );
        if (number % 10 === 0) samples.push(ours.program.rssMb());
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  } finally {
    await ours.stop();
  }
  const quarter = Math.floor(samples.length / 4);
  const means = [0, 1, 2, 3].map((index) => mean(samples.slice(index * quarter, (index + 1) * quarter)));
  return {
    tables: [
      {
        title: `### ${RENDERS} mixed renders`,
        head: ['quarter', 'MB, all processes'],
        rows: means.map((mb, index) => [String(index + 1), shown(mb)]),
      },
    ],
    targets: [
      atMost(
        `memory, last quarter of ${RENDERS} mixed renders against the second`,
        1.05,
        (means[3] ?? Number.NaN) / (means[1] ?? Number.NaN),
      ),
    ],
    notes: [
      '`RENDERS=20000 npm run bench -- peers memory` takes longer and says more. What processes share counts for each of them.',
    ],
  };
}
