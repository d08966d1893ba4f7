import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runFolder } from '../folders.ts';
import { Ssimulacra2 } from '../ssimulacra2.ts';
import { median } from '../stats.ts';
import { startBare } from './bare.ts';
import { coldTables, type Figures } from './cold-tables.ts';
import { type Lossy, type Peer, renderers } from './contestants.ts';
import { type Likeness, likenessOf, type Maker, maker, STAND_IN, standIn } from './likeness.ts';
import { ask, type Original, Ours, originals } from './ours.ts';
import type { Measured } from './part.ts';
import type { Running } from './running.ts';

const WIDTH = 800;
const ROUNDS = 9;
const FORMATS: readonly Lossy[] = ['webp', 'jpeg', 'avif'];
/** What is stored behind an answer is part of its cost. */
const SETTLE_MS = 150;
/** More of it would say nothing new: sharp's own effort for AVIF takes ten times as long as ours. */
const SLOW = (name: string, format: Lossy): boolean => name === 'ipx' && format === 'avif';

/** Somebody who renders all photographs once, each at its quality. */
interface Contestant {
  readonly name: string;
  cpuMs(): number;
  render(photo: Original, quality: number | undefined): Promise<unknown>;
}

interface Field {
  readonly ours: Ours;
  readonly photos: readonly Original[];
  readonly peers: ReadonlyArray<{ readonly peer: Peer; readonly running: Running }>;
  readonly bare: Awaited<ReturnType<typeof startBare>>;
}

async function open(folder: string): Promise<Field> {
  const photos = originals();
  for (const { file, path } of photos) await symlink(path, join(folder, file));
  const peers: { peer: Peer; running: Running }[] = [];
  for (const peer of renderers()) peers.push({ peer, running: await peer.start(folder) });
  // Upgrades are work for later visitors; here they are asked for, so that what they cost is known.
  const ours = await Ours.start({ UPGRADE: 'off' });
  await ours.warmUp();
  return { photos, peers, ours, bare: await startBare() };
}

async function likenesses({ ours, photos, peers }: Field, format: Lossy): Promise<Likeness[]> {
  const scores = Ssimulacra2.open();
  const makers: Maker[] = [
    standIn(WIDTH),
    ...peers.map(({ peer, running }) => maker(peer, running.port, WIDTH)),
  ];
  const found: Likeness[] = [];
  for (const photo of photos) {
    await ours.put(`likeness/${photo.file}`, photo.path);
    const path = `/img/likeness/${photo.file}?w=${WIDTH}&fmt=${format}`;
    const answers = [await ours.get(path), await ours.get(`${path}&effort=small`)] as const;
    found.push(await likenessOf({ photo, format, width: WIDTH }, answers, makers, scores));
  }
  return found;
}

function contestants({ ours, peers, bare }: Field, format: Lossy, round: number): Contestant[] {
  const rendition = (name: string, lane: string, more: string): Contestant => ({
    name,
    cpuMs: ours.program.cpuMs,
    render: ({ file }) => ours.get(`/img/${lane}-${format}-${round}/${file}?w=${WIDTH}&fmt=${format}${more}`),
  });
  return [
    rendition('Rendition', 'first', ''),
    rendition('Rendition, warmer', 'later', '&effort=small'),
    {
      name: 'bare sharp',
      cpuMs: bare.cpuMs,
      render: ({ path }) => bare.render(path, WIDTH, { format, settings: 'ours' }),
    },
    {
      name: STAND_IN,
      cpuMs: bare.cpuMs,
      render: ({ path }, quality) =>
        bare.render(path, WIDTH, { format, settings: 'imgproxy', ...(quality !== undefined && { quality }) }),
    },
    ...peers.map(
      ({ peer, running }): Contestant => ({
        name: peer.name,
        cpuMs: running.cpuMs,
        render: ({ file }, quality) =>
          ask(
            running.port,
            peer.pathOf({ file, width: WIDTH, format, ...(quality !== undefined && { quality }) }),
          ),
      }),
    ),
  ];
}

/** CPU ms a picture, by name and round; each is first as often as the others. The first round does not count. */
async function race(
  field: Field,
  format: Lossy,
  likeness: readonly Likeness[],
): Promise<Map<string, number[]>> {
  const laps = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const lane of ['first', 'later'])
      for (const { file, path } of field.photos)
        await field.ours.put(`${lane}-${format}-${round}/${file}`, path);
    const all = contestants(field, format, round);
    const turn = round % all.length;
    for (const one of [...all.slice(turn), ...all.slice(0, turn)]) {
      if (SLOW(one.name, format) && round > 1) continue;
      const before = one.cpuMs();
      for (const [index, photo] of field.photos.entries())
        await one.render(photo, likeness[index]?.others[one.name]?.quality);
      await sleep(SETTLE_MS);
      const ms = (one.cpuMs() - before) / field.photos.length;
      if (round > 0) laps.set(one.name, [...(laps.get(one.name) ?? []), ms]);
    }
  }
  return laps;
}

/** Work 3: cold renders at w=800 of all photographs, at our quality and at the same SSIMULACRA2 elsewhere. */
export async function cold(): Promise<Measured> {
  const folder = runFolder();
  const field = await open(folder);
  const figures: Figures[] = [];
  try {
    for (const format of FORMATS) {
      const likeness = await likenesses(field, format);
      const laps = await race(field, format, likeness);
      const cpu = Object.fromEntries([...laps].map(([name, ms]) => [name, median(ms)]));
      // Who is slow has fewer rounds.
      const against = (name: string, other: string) => {
        const rounds = laps.get(other) ?? [];
        return median(rounds.map((ms, round) => (laps.get(name)?.[round] ?? Number.NaN) / ms));
      };
      figures.push({ format, likeness, cpu, against });
    }
  } finally {
    await Promise.all([
      field.ours.stop(),
      field.bare.stop(),
      ...field.peers.map(({ running }) => running.stop()),
    ]);
  }
  return coldTables(figures);
}
