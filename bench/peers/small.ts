import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { corpusPath } from '../../test/support/corpus.ts';
import { runFolder } from '../folders.ts';
import { median } from '../stats.ts';
import { turnedRatio } from '../turned.ts';
import { startBare } from './bare.ts';
import { Ours } from './ours.ts';
import { atMost, type Measured, shown } from './part.ts';

const [ROUNDS, ICONS, WIDTH, SETTLE_MS] = [7, 60, 64, 150];

interface Icon {
  readonly what: string;
  readonly bytes: Buffer;
  readonly target: number | undefined;
}

async function icons(): Promise<Icon[]> {
  const photo = sharp(corpusPath('samples/ladybug.jpg'));
  return [
    { what: 'an icon of 64 px, from a photograph of 8 MP', bytes: await photo.toBuffer(), target: 1.3 },
    {
      what: 'an icon of 64 px, from one of 256 px',
      bytes: await photo.resize(256).jpeg().toBuffer(),
      target: undefined,
    },
  ];
}

/** What isolation costs where little is to be done, and what a turn by EXIF does. */
export async function small(): Promise<Measured> {
  const folder = runFolder();
  const ours = await Ours.start({ UPGRADE: 'off' });
  await ours.warmUp();
  const bare = await startBare();
  const found: { icon: Icon; ours: number; bare: number; ratio: number }[] = [];
  try {
    for (const [kind, icon] of (await icons()).entries()) {
      const path = join(folder, `${kind}.jpg`);
      await writeFile(path, icon.bytes);
      const laps = { ours: [] as number[], bare: [] as number[] };
      for (let round = 0; round <= ROUNDS; round++) {
        for (let number = 0; number < ICONS; number++)
          await ours.put(`${kind}/${round}/${number}`, icon.bytes);
        const mine = await lap(ours.program.cpuMs, (number) =>
          ours.get(`/img/${kind}/${round}/${number}?w=${WIDTH}&fmt=webp`),
        );
        const theirs = await lap(bare.cpuMs, () =>
          bare.render(path, WIDTH, { format: 'webp', settings: 'ours' }),
        );
        if (round === 0) continue;
        laps.ours.push(mine);
        laps.bare.push(theirs);
      }
      const ratio = median(laps.ours.map((ms, round) => ms / (laps.bare[round] ?? Number.NaN)));
      found.push({ icon, ours: median(laps.ours), bare: median(laps.bare), ratio });
    }
  } finally {
    await Promise.all([ours.stop(), bare.stop()]);
  }
  return {
    tables: [
      {
        title: '### Small pictures',
        head: ['what', 'CPU ms, Rendition', 'bare sharp', 'ratio'],
        rows: found.map(({ icon, ratio, ...ms }) => [
          icon.what,
          shown(ms.ours),
          shown(ms.bare),
          `${shown(ratio)} x`,
        ]),
      },
    ],
    targets: [
      ...found.flatMap(({ icon, ratio }) =>
        icon.target === undefined ? [] : [atMost(`${icon.what}, CPU against bare sharp`, icon.target, ratio)],
      ),
      atMost('turned by EXIF, CPU against upright', 1.1, await turnedRatio()),
    ],
  };
}

async function lap(cpuMs: () => number, render: (number: number) => Promise<unknown>): Promise<number> {
  const before = cpuMs();
  for (let number = 0; number < ICONS; number++) await render(number);
  await sleep(SETTLE_MS);
  return (cpuMs() - before) / ICONS;
}
