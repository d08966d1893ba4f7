import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import t from 'tap';
import { readJpegHeader, withoutExif } from '../../../../server/core/original/jpeg.ts';
import { readSource } from '../../../../server/core/original/source.ts';
import { corpusPath, corpusRows } from '../../../support/corpus.ts';

const JPEGS = corpusRows().filter(({ file }) => /\.jpe?g$/.test(file));

const byLibvips = (bytes: Uint8Array) =>
  sharp(bytes, { failOn: 'warning', limitInputPixels: false }).metadata();

t.test('says of every JPEG of the corpus what libvips says, or leaves it to libvips', async (t) => {
  let read = 0;
  for (const { file } of JPEGS) {
    const bytes = await readFile(corpusPath(file));
    const header = bytes[0] === 0xff ? readJpegHeader(bytes) : undefined;
    if (!header) continue;
    read += 1;
    const theirs = await byLibvips(bytes);
    t.same(
      // libvips does not say with which quality a JPEG was written.
      { ...readSource('jpeg', bytes.length, header), quality: undefined },
      readSource('jpeg', bytes.length, theirs),
      `${file}: source`,
    );
    t.same(header.exif, theirs.exif, `${file}: EXIF`);
    t.same(header.iptc, theirs.iptc, `${file}: IPTC`);
  }
  t.ok(read >= 32, `${read} of ${JPEGS.length} are ordinary`);
});

/** A small JPEG with a segment behind its first marker. */
async function withSegment(marker: number, body: Buffer, from?: Buffer): Promise<Buffer> {
  const plain =
    from ??
    (await sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer());
  const head = Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff]);
  return Buffer.concat([plain.subarray(0, 2), head, body, plain.subarray(2)]);
}

function exif(
  order: 'II' | 'MM',
  entries: readonly (readonly [tag: number, type: number, value: number])[],
  count = 1,
): Buffer {
  const tiff = Buffer.alloc(8 + 2 + entries.length * 12 + 4);
  const isLittle = order === 'II';
  const u16 = (value: number, position: number) =>
    isLittle ? tiff.writeUInt16LE(value, position) : tiff.writeUInt16BE(value, position);
  const u32 = (value: number, offset: number) =>
    isLittle ? tiff.writeUInt32LE(value, offset) : tiff.writeUInt32BE(value, offset);
  tiff.write(order, 'latin1');
  u16(42, 2);
  u32(8, 4);
  u16(entries.length, 8);
  entries.forEach(([tag, type, value], index) => {
    u16(tag, 10 + index * 12);
    u16(type, 12 + index * 12);
    u32(count, 14 + index * 12);
    u16(value, 18 + index * 12);
  });
  return Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
}

t.test('reads the orientation in both byte orders', async (t) => {
  for (const order of ['II', 'MM'] as const) {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const bytes = await withSegment(
        0xe1,
        exif(order, [
          [0x100, 3, 8],
          [0x112, 3, orientation],
        ]),
      );
      t.equal(readJpegHeader(bytes)?.orientation, orientation, `${order} ${orientation}`);
      t.equal((await byLibvips(bytes)).orientation, orientation, 'as libvips does');
    }
  }
  t.equal(readJpegHeader(await withSegment(0xe1, exif('II', [])))?.orientation, 1, 'none is upright');
});

t.test('leaves to libvips what is not ordinary', async (t) => {
  const plain = await withSegment(0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0'));
  t.match(readJpegHeader(plain), {
    width: 8,
    height: 6,
    space: 'srgb',
    hasProfile: false,
    isProgressive: false,
  });
  const left = {
    'an orientation of nine': await withSegment(0xe1, exif('II', [[0x112, 3, 9]])),
    'an orientation of another type': await withSegment(0xe1, exif('II', [[0x112, 4, 6]])),
    'EXIF that breaks off': await withSegment(0xe1, exif('MM', [[0x112, 3, 6]]).subarray(0, 20)),
    'EXIF without a byte order': await withSegment(0xe1, Buffer.from('Exif\0\0nonsense', 'latin1')),
    'two EXIF blocks': await withSegment(0xe1, exif('II', []), await withSegment(0xe1, exif('II', []))),
    'the second part of a profile': await withSegment(
      0xe2,
      Buffer.from('ICC_PROFILE\0\x02\x02abc', 'latin1'),
    ),
    'a header that breaks off': plain.subarray(0, plain.length - 400),
    'an orientation of three values': await withSegment(0xe1, exif('II', [[0x112, 3, 6]], 3)),
    'EXIF with another ending': await withSegment(0xe1, Buffer.from('ExifXXII*\0', 'latin1')),
    'a profile without its NUL': await withSegment(0xe2, Buffer.from('ICC_PROFILE!\x01\x01abc', 'latin1')),
    'a profile without bytes': await withSegment(0xe2, Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1')),
    nothing: Buffer.alloc(0),
    'another format': await sharp(plain).png().toBuffer(),
  };
  for (const [what, bytes] of Object.entries(left)) t.equal(readJpegHeader(bytes), undefined, what);
  const cut = await withSegment(0xe1, exif('II', [[0x112, 3, 6]]));
  for (let length = 0; length < 60; length++) t.equal(readJpegHeader(cut.subarray(0, length)), undefined);
});

t.test(
  'skips no marker that could stand without a length: the decoder would see another picture behind it',
  async (t) => {
    const plain = await withSegment(0xfe, Buffer.from('a comment'));
    t.equal(readJpegHeader(plain)?.width, 8);
    const ordinary = [0xc4, 0xdb, 0xdd, 0xfe, ...Array.from({ length: 16 }, (_, index) => 0xe0 + index)];
    for (let marker = 0; marker <= 0xff; marker++) {
      const header = readJpegHeader(await withSegment(marker, Buffer.from('1234'), plain));
      t.equal(header?.width, ordinary.includes(marker) ? 8 : undefined, marker.toString(16));
    }
  },
);

t.test('reads no frame and no scan of another length than its components have', async (t) => {
  const plain = await withSegment(0xfe, Buffer.from('a comment'));
  const frame = plain.indexOf(Buffer.from([0xff, 0xc0]));
  const scan = plain.indexOf(Buffer.from([0xff, 0xda]));
  for (const offset of [frame + 9, scan + 4]) {
    const other = Buffer.from(plain);
    other[offset] = 4;
    t.equal(readJpegHeader(other), undefined);
  }
});

t.test('takes the EXIF out and leaves the pixels', async (t) => {
  const bytes = await readFile(corpusPath('exif/landscape-6.jpg'));
  const found = readJpegHeader(bytes)?.exif ?? Buffer.alloc(0);
  const rest = withoutExif(bytes, found) ?? Buffer.alloc(0);
  t.equal(rest.length, bytes.length - found.length - 4);
  const { exif, orientation } = await sharp(rest).metadata();
  t.same([exif, orientation], [undefined, undefined]);
  t.ok((await sharp(rest).raw().toBuffer()).equals(await sharp(bytes).raw().toBuffer()));
  t.equal(withoutExif(bytes, Buffer.from(found)), undefined, 'a block that was read by somebody else');
});
