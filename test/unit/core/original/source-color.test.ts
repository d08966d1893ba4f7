import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import t from 'tap';
import { av1CodePoints } from '../../../../server/core/original/av1.ts';
import {
  cHRM,
  chunk,
  cICP,
  cLLI,
  gAMA,
  P3_PRIMARIES,
  withChunks,
  withCodePoints,
  withStreamCodePoints,
} from '../../../support/chunks.ts';
import type { Rgb, Told } from '../../../support/color-arithmetic.ts';
import { inSrgb } from '../../../support/color-arithmetic.ts';
import { corpus } from '../../../support/corpus.ts';
import type { Pixels } from '../../../support/pictures.ts';
import { difference, drawn, numbers, off, picture, pixels } from '../../../support/pictures.ts';
import { sampler } from '../../../support/sample.ts';

/** Greys in the first row, colours below: far from, near and outside sRGB once they are read as P3 or BT.2020. */
const patches = (x: number, y: number): Rgb => {
  const column = x >> 2;
  if (y < 8) return [column * 17, column * 17, column * 17];
  const level = 40 + ((column * 53) % 160);
  return [level, (column * 29 + y * 7) % 256, 255 - level];
};
const RGB = await drawn(64, 24, patches);
const AVIF = await sharp(RGB).avif({ lossless: true }).toBuffer();

/** Mean difference of a picture to the arithmetic, over what its numbers are. */
function error(shown: Pixels, code: Pixels, told: Told): number {
  let sum = 0;
  for (let index = 0; index < code.data.length; index += 4) {
    const [red = 0, green = 0, blue = 0] = code.data.subarray(index, index + 3);
    const wanted = inSrgb([red / 255, green / 255, blue / 255], told);
    for (const [band, value] of wanted.entries()) sum += Math.abs(value - (shown.data[index + band] ?? 0));
  }
  return sum / ((code.data.length / 4) * 3);
}

const shownOf = async (source: Buffer, query = 'fmt=png') => pixels((await picture(source, query)).bytes);

/** Largest difference of the bands of pixels that are grey in the source. */
function greyError(shown: Pixels, rows: number): number {
  let most = 0;
  for (let index = 0; index < shown.width * rows * 4; index += 4) {
    const bands = [...shown.data.subarray(index, index + 3)];
    most = Math.max(most, Math.max(...bands) - Math.min(...bands));
  }
  return most;
}

const CICP: ReadonlyArray<readonly [primaries: number, transfer: number, told: Told]> = [
  [1, 13, { space: 'srgb', transfer: 'srgb' }],
  [2, 2, { space: 'srgb', transfer: 'srgb' }],
  [1, 1, { space: 'srgb', transfer: 'srgb' }],
  [1, 4, { space: 'srgb', transfer: 2.2 }],
  [1, 5, { space: 'srgb', transfer: 2.8 }],
  [1, 8, { space: 'srgb', transfer: 1 }],
  [12, 13, { space: 'p3', transfer: 'srgb' }],
  [12, 1, { space: 'p3', transfer: 'srgb' }],
  [9, 13, { space: 'bt2020', transfer: 'srgb' }],
  [9, 1, { space: 'bt2020', transfer: 'srgb' }],
  [9, 14, { space: 'bt2020', transfer: 'srgb' }],
  [9, 15, { space: 'bt2020', transfer: 'srgb' }],
  [9, 16, { space: 'bt2020', transfer: 'pq' }],
  [12, 16, { space: 'p3', transfer: 'pq' }],
  [9, 18, { space: 'bt2020', transfer: 'hlg' }],
  [12, 18, { space: 'p3', transfer: 'hlg' }],
];

t.test('code points of AVIF and PNG are shown as the standards have them, and greys stay grey', async (t) => {
  const code = await numbers(AVIF);
  const sampled = sampler();
  for (const [primaries, transfer, told] of CICP) {
    const sources = {
      avif: withCodePoints(AVIF, primaries, transfer),
      png: withChunks(RGB, cICP(primaries, transfer)),
    };
    for (const [format, source] of Object.entries(sources)) {
      for (const query of sampled(['fmt=png', 'fmt=png&rot=180', 'fmt=webp&lossless'])) {
        const result = await picture(source, query);
        const back = query.includes('rot')
          ? await sharp(result.bytes).rotate(180).png().toBuffer()
          : result.bytes;
        const shown = await pixels(back);
        const name = `${format} ${primaries}/${transfer} ${query}`;
        const most = typeof told.transfer === 'string' && told.transfer !== 'srgb' ? 2 : 1;
        t.ok(error(shown, code, told) < most, `${name}: ${error(shown, code, told)}`);
        t.ok(greyError(shown, 8) <= 1, `${name}: greys ${greyError(shown, 8)}`);
        t.same(result.warnings, [], name);
      }
    }
  }
});

t.test('how bright the brightest is decides how far light is bent', async (t) => {
  const code = await numbers(RGB);
  for (const peak of [203, 400, 4000, 10_000]) {
    const shown = await shownOf(withChunks(RGB, cICP(9, 16), cLLI(peak)));
    const told: Told = { space: 'bt2020', transfer: 'pq', peak };
    if (peak > 203) t.ok(error(shown, code, told) < 2, `${peak}: ${error(shown, code, told)}`);
    t.ok(greyError(shown, 8) <= 1);
  }
});

t.test('an AVIF of 10 bits of PQ in P3 is brought down to SDR', async (t) => {
  const source = await corpus('formats/p3pq-10bit.avif');
  const shown = await shownOf(source);
  t.ok(error(shown, await numbers(source), { space: 'p3', transfer: 'pq' }) < 2);
  t.same((await picture(source, 'w=64&icc=keep&fmt=png')).warnings, ['icc-srgb'], 'no table in the file');
});

t.test('icc=p3 keeps what P3 shows and sRGB does not, however it was told', async (t) => {
  const red = await drawn(16, 16, () => [255, 0, 0]);
  const avif = await sharp(red).avif({ lossless: true }).toBuffer();
  const told = {
    avif: withCodePoints(avif, 12, 13),
    cicp: withChunks(red, cICP(12, 13)),
    chrm: withChunks(red, gAMA(45_455), cHRM(...P3_PRIMARIES)),
  };
  for (const [name, source] of Object.entries(told)) {
    for (const query of ['icc=p3', 'icc=keep', 'icc=p3&r=2', 'icc=p3&w=8']) {
      const { bytes } = await picture(source, `${query}&fmt=png`);
      const kept = (await numbers(bytes)).at(4, 4);
      t.ok(off(kept, [255, 0, 0]) <= 3, `${name} ${query}: ${kept}`);
      t.ok((await sharp(bytes).metadata()).hasProfile, `${name} ${query}`);
    }
  }
  const deep = await picture(await corpus('formats/p3pq-10bit.avif'), 'w=64&icc=p3&fmt=png');
  const [wide, narrow] = [
    await pixels(deep.bytes),
    await shownOf(await corpus('formats/p3pq-10bit.avif'), 'w=64&fmt=png'),
  ];
  t.ok(difference(wide, narrow) < 2, 'and in sRGB it looks the same');
});

/** A profile that lcms refuses: the type of its tags is another one. */
async function withBrokenProfile(png: Buffer): Promise<Buffer> {
  const profiled = await sharp(png).withIccProfile('p3').png().toBuffer();
  const { icc } = await sharp(profiled).metadata();
  const broken = Buffer.from(icc ?? []);
  for (let at = broken.indexOf('XYZ ', 132); at > 0; at = broken.indexOf('XYZ ', at + 1))
    broken.write('ABCD', at);
  return withChunks(png, chunk('iCCP', Buffer.concat([Buffer.from('x\0\0', 'latin1'), deflateSync(broken)])));
}

t.test(
  'a profile that cannot be used is not shipped: sRGB, said so, and P3 where that is asked for',
  async (t) => {
    const source = await withBrokenProfile(RGB);
    const plain = await pixels(RGB);
    for (const query of [
      'fmt=png',
      'icc=keep&fmt=png',
      'icc=p3&fmt=png',
      'icc=p3&r=1&fmt=png',
      'icc=p3&fmt=webp&lossless',
    ]) {
      const { bytes, warnings } = await picture(source, query);
      t.same(warnings, ['colour-unknown'], query);
      const meta = await sharp(bytes).metadata();
      t.equal(meta.hasProfile, query.includes('p3'), query);
      if (!query.includes('r=1')) t.ok(difference(await pixels(bytes), plain) < 2, query);
    }
  },
);

t.test('code points that stand in the AV1 stream alone count, as decoders of AVIF have it', async (t) => {
  const sampled = sampler();
  for (const effort of [0, 4])
    for (const bitdepth of [8, 10] as const) {
      const plain = await sharp(RGB)
        .avif({ quality: 100, chromaSubsampling: '4:4:4', effort, bitdepth })
        .toBuffer();
      t.equal(plain.indexOf('nclx'), -1, 'sharp writes no box of them');
      const code = await numbers(plain);
      for (const [primaries, transfer, told] of sampled(CICP, 4)) {
        const source = withStreamCodePoints(plain, primaries, transfer);
        const found = error(await shownOf(source), code, told);
        t.ok(found < 2, `${bitdepth} bits, effort ${effort}, ${primaries}/${transfer}: ${found.toFixed(2)}`);
      }
    }
  const p3 = await sharp(RGB).withIccProfile('p3').avif({ quality: 100 }).toBuffer();
  const still = withStreamCodePoints(p3, 9, 16);
  t.ok(difference(await shownOf(still), await shownOf(p3)) < 1, 'a profile has the first word');
});

t.test('a stream that is none says nothing, and none is read behind its end', (t) => {
  for (const hex of ['', '00', '12000a', '12000a0938153f', '0aff', '1200ffffffffffffffffff', '8a0938'])
    t.doesNotThrow(() => {
      try {
        t.equal(av1CodePoints(Buffer.from(hex, 'hex')), undefined, hex);
      } catch (broken) {
        if (!(broken instanceof RangeError)) throw broken;
      }
    }, hex);
  t.end();
});
