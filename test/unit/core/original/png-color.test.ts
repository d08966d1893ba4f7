import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import t from 'tap';
import { cHRM, chunk, cICP, gAMA, P3_PRIMARIES, sRGB, withChunks } from '../../../support/chunks.ts';
import type { Told } from '../../../support/color-arithmetic.ts';
import { inSrgb } from '../../../support/color-arithmetic.ts';
import { corpus } from '../../../support/corpus.ts';
import { drawn, off, picture, pixels } from '../../../support/pictures.ts';
import { sampler } from '../../../support/sample.ts';

const COLOR = [200, 90, 40] as const;
const flat = await drawn(16, 16, () => COLOR);

const iccp = async (name: 'p3' | 'srgb'): Promise<Buffer> => {
  const { icc } = await sharp(await sharp(flat).withIccProfile(name).png().toBuffer()).metadata();
  return chunk('iCCP', Buffer.concat([Buffer.from('x\0\0', 'latin1'), deflateSync(icc ?? Buffer.alloc(0))]));
};
const P3 = await iccp('p3');
const BROKEN = chunk('iCCP', Buffer.from('x\0\0nothing', 'latin1'));

const told = (space: Told['space'], transfer: Told['transfer']): Told => ({ space, transfer });
const SRGB = told('srgb', 'srgb');

/** What stands in the file, in an order that is none of rank; what holds of it; whether something is not understood. */
const RANKS: ReadonlyArray<readonly [name: string, chunks: readonly Buffer[], holds: Told, unknown?: true]> =
  [
    ['nothing', [], SRGB],
    ['gAMA', [gAMA(100_000)], told('srgb', 1)],
    ['gAMA of 1/2.2', [gAMA(45_455)], told('srgb', 2.2)],
    ['gAMA and cHRM', [cHRM(...P3_PRIMARIES), gAMA(55_556)], told('p3', 1.8)],
    ['cHRM alone', [cHRM(...P3_PRIMARIES)], SRGB],
    ['sRGB before gAMA', [gAMA(100_000), sRGB()], SRGB],
    ['iCCP before sRGB and gAMA', [gAMA(100_000), sRGB(), P3], told('p3', 'srgb')],
    ['cICP before iCCP', [gAMA(100_000), P3, cICP(9, 13)], told('bt2020', 'srgb')],
    ['cICP of sRGB before iCCP', [P3, cICP(1, 13)], SRGB],
    ['a broken iCCP before gAMA', [gAMA(100_000), BROKEN], told('srgb', 1), true],
    ['a broken iCCP', [BROKEN], SRGB, true],
    ['cICP of a matrix', [cICP(9, 13, 9), gAMA(100_000)], told('srgb', 1), true],
    ['cICP of video range', [cICP(9, 13, 0, 0)], SRGB, true],
    ['cICP of a number that nobody has', [cICP(9, 99), P3], told('p3', 'srgb'), true],
    ['a gAMA of 0', [gAMA(0)], SRGB],
    ['a cHRM of a point', [gAMA(100_000), cHRM(...Array.from({ length: 8 }, () => 33_000))], SRGB, true],
  ];

t.test('cICP, iCCP, sRGB, gAMA with cHRM: the first that holds, holds', async (t) => {
  for (const [name, chunks, holds, unknown] of RANKS) {
    const { bytes, warnings } = await picture(withChunks(flat, ...chunks), 'fmt=png');
    const wanted = inSrgb([COLOR[0] / 255, COLOR[1] / 255, COLOR[2] / 255], holds);
    const shown = (await pixels(bytes)).at(8, 8);
    t.ok(off(shown, wanted) <= 3, `${name}: ${shown}, wanted ${wanted}`);
    t.same(warnings, unknown ? ['colour-unknown'] : [], name);
  }
});

/** Every kind of PNG: bands, depth, palette, alpha. */
const KINDS: Readonly<Record<string, (level: number) => Promise<Buffer>>> = {
  rgb8: (level) => drawn(16, 16, () => [level, level, level]),
  rgba8: (level) => drawn(16, 16, () => [level, level, level, 128]),
  palette: async (level) =>
    sharp(await drawn(16, 16, (x) => (x < 14 ? [level, level, level] : [0, 0, 0])))
      .png({ palette: true })
      .toBuffer(),
  grey8: async (level) =>
    sharp(await drawn(16, 16, () => [level, level, level]))
      .toColourspace('b-w')
      .png()
      .toBuffer(),
  greya8: async (level) =>
    sharp(await drawn(16, 16, () => [level, level, level, 128]))
      .toColourspace('b-w')
      .png()
      .toBuffer(),
  rgb16: async (level) =>
    sharp(await drawn(16, 16, () => [level, level, level]))
      .toColourspace('rgb16')
      .png()
      .toBuffer(),
  grey16: async (level) =>
    sharp(await drawn(16, 16, () => [level, level, level]))
      .toColourspace('grey16')
      .png()
      .toBuffer(),
  greya16: async (level) =>
    sharp(await drawn(16, 16, () => [level, level, level, 128]))
      .toColourspace('grey16')
      .png()
      .toBuffer(),
};

t.test('in every kind of PNG, with and without work on the picture', async (t) => {
  const spaces: ReadonlyArray<readonly [string, readonly Buffer[], Told]> = [
    ['linear', [gAMA(100_000)], told('srgb', 1)],
    ['gamma 2.2 in P3', [gAMA(45_455), cHRM(...P3_PRIMARIES)], told('p3', 2.2)],
    ['PQ', [cICP(9, 16)], told('bt2020', 'pq')],
    ['HLG', [cICP(9, 18)], told('bt2020', 'hlg')],
  ];
  const [levels, queries] = [sampler(), sampler()];
  for (const [kind, make] of Object.entries(KINDS)) {
    for (const [name, chunks, holds] of spaces) {
      for (const level of levels([20, 150, 255])) {
        const source = withChunks(await make(level), ...chunks);
        for (const query of queries(['fmt=png', 'fmt=webp&lossless&w=8&pad=2'])) {
          const { bytes, warnings } = await picture(source, query);
          const code = level / 255;
          const shown = (await pixels(bytes)).at(4, 4).slice(0, 3);
          t.ok(
            off(shown, inSrgb([code, code, code], holds)) <= 3,
            `${kind}, ${name}, ${level}, ${query}: ${shown}`,
          );
          t.same(warnings, []);
        }
      }
    }
  }
});

t.test('a profile holds for 16 bits of grey as for 8', async (t) => {
  const { icc = Buffer.alloc(0) } = await sharp(await corpus('colour/grey-gamma22.jpg')).metadata();
  const iccp = chunk('iCCP', Buffer.concat([Buffer.from('x\0\0', 'latin1'), deflateSync(icc)]));
  for (const level of [0, 20, 60, 128, 255]) {
    const grey = await drawn(16, 16, () => [level, level, level]);
    const eight = withChunks(await sharp(grey).toColourspace('b-w').png().toBuffer(), iccp);
    const sixteen = withChunks(await sharp(grey).toColourspace('grey16').png().toBuffer(), iccp);
    const shown = await Promise.all(
      [eight, sixteen].map(async (source) =>
        (await pixels((await picture(source, 'fmt=png')).bytes)).at(4, 4),
      ),
    );
    for (const color of shown) t.ok(off(color, shown[0] ?? []) <= 1, `${level}: ${shown.join(' | ')}`);
  }
});
