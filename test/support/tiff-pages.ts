import sharp, { type Sharp } from 'sharp';

/** Tags of a directory whose values are places in the file (TIFF 6.0): of strips and of tiles. */
const PLACES = new Set([273, 324]);
/** Bytes of a value, by its type. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const LONG = 4;
const ENTRY_BYTES = 12;

/** Where the number of the next directory lies, in a file of one. */
function nextAt(file: Buffer): number {
  const start = file.readUInt32LE(4);
  return start + 2 + file.readUInt16LE(start) * ENTRY_BYTES;
}

/** A file that is to lie `by` bytes further on: every place in it moves along. */
function moved(file: Buffer, by: number): Buffer {
  const bytes = Buffer.from(file);
  const shift = (at: number) => bytes.writeUInt32LE(bytes.readUInt32LE(at) + by, at);
  for (let entry = file.readUInt32LE(4) + 2; entry < nextAt(file); entry += ENTRY_BYTES) {
    const [tag, type, count] = [
      file.readUInt16LE(entry),
      file.readUInt16LE(entry + 2),
      file.readUInt32LE(entry + 4),
    ];
    const isFar = (TYPE_BYTES[type] ?? 0) * count > 4;
    const values = isFar ? file.readUInt32LE(entry + 8) : entry + 8;
    if (PLACES.has(tag)) {
      if (type !== LONG) throw new Error(`Places of type ${type} cannot be moved far.`);
      for (let index = 0; index < count; index++) shift(values + index * 4);
    }
    if (isFar) shift(entry + 8);
  }
  return bytes;
}

/**
 * One TIFF whose pages are these files, each with all that its directory says: sharp writes pages of one kind only.
 *
 * @param pages  little-endian TIFFs of one page
 */
export function joined(pages: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let end = 0;
  let link: { readonly in: Buffer; readonly at: number } | undefined;
  for (const page of pages) {
    const own = moved(page, end);
    link?.in.writeUInt32LE(end + page.readUInt32LE(4), link.at);
    link = { in: own, at: nextAt(page) };
    const padded = own.length % 2 ? [own, Buffer.alloc(1)] : [own];
    parts.push(...padded);
    end += own.length + (own.length % 2);
  }
  return Buffer.concat(parts);
}

/** Pixels that show every turn and crop, and enough of noise that no two sizes look alike. */
function canvas(width: number, height: number, channels: 1 | 3 | 4): Sharp {
  const data = Buffer.alloc(width * height * channels);
  for (let place = 0; place < width * height; place++) {
    const [x, y] = [place % width, Math.floor(place / width)];
    const colors = [(x * 255) / width, (y * 255) / height, ((x >> 3) ^ (y >> 3)) % 2 ? 40 : 210];
    for (let band = 0; band < channels; band++)
      data[place * channels + band] =
        band === 3 ? (x < width / 3 ? 90 : 255) : (colors[band] ?? 0) + ((x * 7 + y * 13) % 9);
  }
  return sharp(data, { raw: { width, height, channels } });
}

/** px of white around a picture, for trim. */
const framed = (image: Sharp): Sharp =>
  image.extend({ top: 11, bottom: 6, left: 9, right: 14, background: '#ffffff' });

/** Files of one page that differ in whatever pages may differ in; the first is the plainest. */
export async function unlikePages(): Promise<Record<string, Buffer>> {
  const made: Record<string, Promise<Buffer>> = {
    plain: canvas(240, 160, 3).tiff({ compression: 'lzw' }).toBuffer(),
    smaller: canvas(120, 90, 3).tiff({ compression: 'none' }).toBuffer(),
    larger: framed(canvas(333, 471, 3))
      .tiff({ compression: 'deflate' })
      .toBuffer(),
    turned: framed(canvas(200, 130, 3))
      .withMetadata({ orientation: 6 })
      .tiff({ compression: 'lzw' })
      .toBuffer(),
    mirrored: canvas(130, 210, 3).withMetadata({ orientation: 4 }).tiff({ compression: 'none' }).toBuffer(),
    seeThrough: canvas(150, 150, 4).tiff({ compression: 'lzw' }).toBuffer(),
    grey: canvas(170, 110, 1).toColourspace('b-w').tiff({ compression: 'lzw' }).toBuffer(),
    greyDeep: canvas(140, 100, 1).toColourspace('grey16').tiff({ compression: 'lzw' }).toBuffer(),
    deep: canvas(180, 100, 3).toColourspace('rgb16').tiff({ compression: 'lzw' }).toBuffer(),
    deepSeeThrough: canvas(100, 180, 4).toColourspace('rgb16').tiff({ compression: 'lzw' }).toBuffer(),
    cmyk: canvas(160, 120, 3)
      .toColourspace('cmyk')
      .withIccProfile('cmyk')
      .tiff({ compression: 'lzw' })
      .toBuffer(),
    wide: canvas(190, 140, 3).withIccProfile('p3').tiff({ compression: 'lzw' }).toBuffer(),
    coded: framed(canvas(220, 140, 3))
      .tiff({ compression: 'jpeg', quality: 60 })
      .toBuffer(),
    tiled: canvas(300, 200, 3)
      .tiff({ compression: 'lzw', tile: true, tileWidth: 64, tileHeight: 64 })
      .toBuffer(),
    twoTone: canvas(128, 96, 1)
      .threshold(120)
      .toColourspace('b-w')
      .tiff({ bitdepth: 1, compression: 'ccittfax4' })
      .toBuffer(),
  };
  const entries = Object.entries(made).map(async ([name, bytes]) => [name, await bytes] as const);
  return Object.fromEntries(await Promise.all(entries));
}
