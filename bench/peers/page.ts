import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { seeded } from '../../test/support/seeded.ts';
import { runFolder } from '../folders.ts';
import { ofEachRenderer } from './contestants.ts';
import { ask, Ours, originals } from './ours.ts';
import { type Measured, shown } from './part.ts';

const IMAGES = 60;
const WIDTHS = [240, 480, 800];
/** Of each picture; nine of ten requests are repeats. */
const TIMES = 10;
/** As many as a browser opens. */
const CONNECTIONS = 6;
const SIDE = 900;
const UPGRADED_MS = 90_000;

/** Crops of the photographs at seeded positions. */
async function images(random: () => number): Promise<Map<string, Buffer>> {
  const photos = await Promise.all(
    originals().map(({ path }) =>
      sharp(path)
        .rotate()
        .resize({ width: 2 * SIDE, withoutEnlargement: true })
        .toBuffer({ resolveWithObject: true }),
    ),
  );
  const made = new Map<string, Buffer>();
  for (let index = 0; index < IMAGES; index++) {
    const photo = photos[index % photos.length];
    if (!photo) continue;
    const { width: wide, height: high } = photo.info;
    const [width, height] = [Math.min(SIDE, wide), Math.min(675, high)];
    const [left, top] = [Math.floor(random() * (wide - width)), Math.floor(random() * (high - height))];
    const crop = sharp(photo.data).extract({ left, top, width, height });
    made.set(`page-${index}.jpg`, await crop.jpeg({ quality: 90 }).toBuffer());
  }
  return made;
}

interface Asked {
  readonly file: string;
  readonly width: number;
}

function requests(files: readonly string[], random: () => number): Asked[] {
  const list = files.flatMap((file) =>
    WIDTHS.flatMap((width) => Array.from({ length: TIMES }, () => ({ file, width }))),
  );
  return list
    .map((asked) => ({ asked, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ asked }) => asked);
}

interface Load {
  readonly seconds: number;
  readonly cpuMs: number;
  readonly bytes: number;
  readonly refused: number;
}

async function load(
  list: readonly Asked[],
  port: number,
  pathOf: (asked: Asked) => string,
  cpuMs: () => number,
): Promise<Load> {
  const [before, started] = [cpuMs(), performance.now()];
  const rest = list.values();
  let [bytes, refused] = [0, 0];
  const visitor = async () => {
    for (const asked of rest) {
      const body = await ask(port, pathOf(asked)).catch(() => undefined);
      bytes += body?.length ?? 0;
      refused += body ? 0 : 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, visitor));
  return { seconds: (performance.now() - started) / 1000, cpuMs: cpuMs() - before, bytes, refused };
}

const row = (name: string, { seconds, cpuMs, bytes, refused }: Load): string[] => [
  name,
  shown(seconds),
  shown(cpuMs / 1000),
  (bytes / 1e6).toFixed(2),
  String(refused),
];

/** Waits until the warmer has made every result again, which shows in bytes that do not change any more. */
async function untilUpgraded(
  list: readonly Asked[],
  ours: Ours,
  pathOf: (asked: Asked) => string,
): Promise<number> {
  const [before, until] = [ours.program.cpuMs(), performance.now() + UPGRADED_MS];
  let [last, quiet] = [-1, 0];
  while (performance.now() < until && quiet < 4) {
    await sleep(1500);
    const now = ours.program.cpuMs();
    quiet = now - last < 60 ? quiet + 1 : 0;
    last = now;
  }
  // Who asks now learns of what lies there.
  await load(list, ours.program.port, pathOf, ours.program.cpuMs);
  return last - before;
}

/** Work 4: a page of new pictures, nine of ten requests repeats, and the same after everything was made smaller. */
export async function page(): Promise<Measured> {
  const random = seeded(4);
  const made = await images(random);
  const list = requests([...made.keys()], random);
  const ours = await Ours.start({ VERSION_SECONDS: '1' });
  const folder = runFolder();
  const rows: string[][] = [];
  try {
    for (const [file, bytes] of made) {
      await ours.upload(file, bytes);
      await writeFile(join(folder, file), bytes);
    }
    const pathOf = ({ file, width }: Asked) => `/img/${file}?w=${width}&fmt=webp`;
    const { port, cpuMs } = ours.program;
    rows.push(row('Rendition, all pictures new', await load(list, port, pathOf, cpuMs)));
    const upgradeMs = await untilUpgraded(list, ours, pathOf);
    rows.push(
      row(
        `Rendition, after the upgrade (its CPU: ${shown(upgradeMs / 1000)} s)`,
        await load(list, port, pathOf, cpuMs),
      ),
    );
    const theirs = await ofEachRenderer(folder, async (peer, running) => {
      const path = (asked: Asked) => peer.pathOf({ ...asked, format: 'webp' });
      return row(`${peer.name}, which keeps nothing`, await load(list, running.port, path, running.cpuMs));
    });
    rows.push(...theirs);
  } finally {
    await ours.stop();
  }
  return {
    tables: [
      {
        title: `### ${list.length} requests for ${IMAGES} images in ${WIDTHS.length} widths, WebP, ${CONNECTIONS} connections`,
        head: ['who', 's to the last byte', 'CPU s', 'MB', 'refused'],
        rows,
      },
    ],
    targets: [],
    notes: [
      'Each at its own default quality. A cache in front of those that keep nothing takes the repeats off them, and has to be run.',
    ],
  };
}
