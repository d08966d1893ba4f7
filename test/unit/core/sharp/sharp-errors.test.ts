import fc from 'fast-check';
import sharp from 'sharp';
import t from 'tap';
import { sharpProblem } from '../../../../server/core/sharp/sharp-errors.ts';
import { isProblem } from '../../../../server/shared/errors.ts';
import { corpus } from '../../../support/corpus.ts';
import { picture } from '../../../support/pictures.ts';
import { tiff } from '../../../support/tiff.ts';

const refusalOf = (bytes: Uint8Array, fmt = 'png'): Promise<unknown> =>
  picture(bytes, `w=8&fmt=${fmt}`).then(
    () => 'a picture',
    (error: unknown) => error,
  );

/** Where the frame header of a JPEG begins (ITU-T T.81, B.2.2). */
function frameOf(jpeg: Buffer): number {
  let place = 2;
  while (!/^[c][0-35-79-bd-f]$/.test((jpeg[place + 1] ?? 0).toString(16)))
    place += 2 + jpeg.readUInt16BE(place + 2);
  return place;
}

/** A JPEG whose frame header says another process or precision. */
async function jpegAs(file: string, { process, bits }: { process?: number; bits?: number }): Promise<Buffer> {
  const bytes = await corpus(file);
  const frame = frameOf(bytes);
  if (process !== undefined) bytes[frame + 1] = process;
  if (bits !== undefined) bytes[frame + 4] = bits;
  return bytes;
}

t.test('what is whole and cannot be read is named, and not called damaged', async (t) => {
  const photo = 'samples/ladybug.jpg';
  const kinds: ReadonlyArray<readonly [Buffer, RegExp]> = [
    [await jpegAs(photo, { process: 0xc1, bits: 12 }), /^a JPEG with 12 bits/],
    [await jpegAs('formats/lossless.jpg', { bits: 12 }), /^a JPEG with 12 bits/],
    [await jpegAs('formats/lossless.jpg', { bits: 16 }), /^a JPEG with 16 bits/],
    [await jpegAs(photo, { process: 0xcb }), /^a lossless JPEG/],
    [await jpegAs(photo, { process: 0xc5 }), /^a hierarchical JPEG/],
    [tiff({ compression: 6 }), /^a TIFF with old-style JPEG inside/],
    [tiff({ photometric: 8 }), /^a TIFF in CIE L\*a\*b\*/],
    [tiff({ planar: 2, tiled: true }), /^a planar TIFF in tiles/],
    [tiff({ compression: 34_661 }), /^a TIFF with ISO JBIG inside/],
    [tiff({ compression: 34_925 }), /^a TIFF with LZMA inside/],
    [tiff({ compression: 34_712 }), /^a TIFF of compression scheme 34712/],
    [tiff({ photometric: 5, bits: [8, 8, 8] }), /^a picture whose bands are not colours/],
    [tiff({ photometric: 32_845 }), /^a TIFF in LogLuv/],
    [await jpegAs(photo, { process: 0xf7 }), /^a JPEG-LS/],
    [tiff({ photometric: 6 }), /^a TIFF in YCbCr without JPEG/],
    [tiff({ photometric: 6, compression: 5 }), /^a TIFF in YCbCr without JPEG/],
    [tiff({ bits: [8, 8, 8, 8, 8] }), /^a TIFF of 5 bands/],
    [tiff({ bits: [8, 8, 8, 8, 8, 8] }), /^a picture of more than 5 bands/],
    [tiff({ bits: [16, 16, 16, 16, 16] }), /^a TIFF of 5 bands/],
    [tiff({ photometric: 1 }), /^a TIFF of 3 bands/],
    [tiff({ photometric: 1, bits: [32], samples: 3 }), /^a TIFF with floating-point samples of grey/],
    [tiff({ photometric: 1, bits: [32] }), /^a TIFF with samples of 32 bits/],
    [tiff({ bits: [32, 32, 32] }), /^a TIFF with samples of 32 bits/],
    [tiff({ photometric: 1, bits: [64], samples: 3 }), /^a TIFF of a rare kind/],
    [tiff({ photometric: 1, bits: [8], samples: 2 }), /^a TIFF with signed samples/],
    [tiff({ bits: [16, 16, 16], samples: 2 }), /^a TIFF with signed samples/],
    [tiff({ subfile: 1, more: [[330, 8]] }), /^a raw file of a camera/],
    [tiff({ more: [[50_706, 1]] }), /^a raw file of a camera/],
  ];
  for (const [bytes, received] of kinds) {
    const error = await refusalOf(bytes);
    t.match(error, { code: 'unsupported_source', status: 415, facts: { received } }, String(received));
    t.match(error, { detail: /^This is .+, which cannot be read\.$/ });
  }
});

t.test('the same files without their rare kind are pictures', async (t) => {
  for (const bytes of [
    await corpus('formats/lossless.jpg'),
    await corpus('formats/arithmetic.jpg'),
    tiff(),
    tiff({ planar: 2 }),
    tiff({ bits: [8, 8, 8, 8] }),
    tiff({ photometric: 5, bits: [8, 8, 8, 8] }),
    tiff({ photometric: 5, bits: [8, 8, 8, 8, 8] }),
    tiff({ photometric: 1, bits: [8, 8] }),
    tiff({ bits: [16, 16, 16] }),
    tiff({ bits: [32, 32, 32], samples: 3 }),
    tiff({ subfile: 1 }),
    tiff({ tiled: true }),
  ])
    t.equal(await refusalOf(bytes), 'a picture');
});

t.test('a failure that nobody knows says so', async (t) => {
  for (const text of ['Unknown error', 'vips2out: something new', 'heif: Decoder plugin generated an error'])
    t.match(sharpProblem(new Error(text), 'avif'), {
      code: 'unrenderable',
      status: 422,
      detail: /not known/,
      cause: { message: text },
    });
  const memory = new Error('vips_tracked: out of memory --- size == 48MB');
  t.equal(sharpProblem(memory, 'png'), memory, 'no memory is our trouble');
});

const BROKEN = [
  'formats/pngsuite-basi6a16.png',
  'formats/pngsuite-bgai4a16.png',
  'formats/pngsuite-tbbn2c16.png',
  'colour/p3-8x8.png',
  'formats/luma-subsample.jpg',
  'formats/restarts.jpg',
  'exif/gps-small.jpg',
  'animated/red-blue.gif',
  'animated/extended.webp',
  'exif/g4-1.tif',
  'formats/tiled.tiff',
  'exif/rot1mir0.avif',
];

/** Bytes that are cut, or a few of which are others. */
const damage = fc.record({
  file: fc.constantFrom(...BROKEN),
  fmt: fc.constantFrom('png', 'jpeg', 'webp', 'gif', 'avif'),
  cut: fc.option(fc.double({ min: 0.02, max: 1, noNaN: true }), { nil: undefined }),
  strokes: fc.array(fc.tuple(fc.double({ min: 0, max: 0.9999, noNaN: true }), fc.nat(255)), { maxLength: 5 }),
});

t.test('damage is known for what it is, whatever decoder finds it', async () => {
  sharp.cache(false);
  const property = fc.asyncProperty(damage, async ({ file, fmt, cut = 1, strokes }) => {
    const bytes = (await corpus(file)).subarray(0);
    for (const [place, value] of strokes) bytes[Math.floor(place * bytes.length)] = value;
    const error = await refusalOf(bytes.subarray(0, Math.ceil(cut * bytes.length)), fmt);
    if (error === 'a picture') return;
    if (!isProblem(error) || error.code === 'unrenderable') throw error;
  });
  await fc.assert(property, { seed: 11, numRuns: 400 });
});
