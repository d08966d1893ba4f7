import { deepStrictEqual } from 'node:assert/strict';
import { decode as decodeBlurHash } from 'blurhash';
import exifReader from 'exif-reader';
import fc from 'fast-check';
import sharp from 'sharp';
import t from 'tap';
import { thumbHashToRGBA } from 'thumbhash';
import { writeDublinCore } from '../../../../server/core/original/xmp.ts';
import { corpus } from '../../../support/corpus.ts';
import { drawn, off, picture, pixels } from '../../../support/pictures.ts';
import { alwaysAsync } from '../../../support/property.ts';

t.test('mb: the best quality that fits, below q, in every format', async (t) => {
  const source = await corpus('photos/kodim23.png');
  for (const fmt of ['jpeg', 'webp', 'avif', 'png', 'gif'] as const) {
    const most = fmt === 'png' || fmt === 'gif' ? 24_000 : 9_000;
    const { bytes, warnings } = await picture(source, `w=256&mb=${most}&effort=fast&fmt=${fmt}`);
    t.ok(
      bytes.length <= most && bytes.length > most * (fmt === 'png' || fmt === 'gif' ? 0.2 : 0.55),
      `${fmt}: ${bytes.length} of ${most}`,
    );
    t.same(warnings, [], fmt);
    t.equal((await sharp(bytes).metadata()).width, 256);
  }
  const free = await picture(source, 'w=256&q=40&mb=2M&fmt=webp');
  t.equal(
    free.bytes.length,
    (await picture(source, 'w=256&q=40&fmt=webp')).bytes.length,
    'room enough: q as it is',
  );
  const none = await picture(source, 'w=768&mb=1000&fmt=jpeg&effort=fast');
  t.same(none.warnings, ['max-bytes-exceeded']);
});

t.test('a placeholder decodes to the colours of the picture', async (t) => {
  const source = await drawn(60, 40, (x) => (x < 30 ? [220, 40, 30] : [30, 60, 200]));
  const text = async (query: string) => {
    const { bytes, contentType, size } = await picture(source, query);
    t.same([contentType, size], ['text/plain; charset=utf-8', undefined]);
    return bytes.toString();
  };
  const thumb = thumbHashToRGBA(Buffer.from(await text('ph=thumbhash'), 'base64'));
  t.ok(Math.abs(thumb.w / thumb.h - 1.5) < 0.2, 'the ratio is in the hash');
  t.ok(off([...thumb.rgba.subarray(0, 3)], [220, 40, 30]) < 60, 'left is red');
  const blur = decodeBlurHash(await text('ph=blurhash'), 6, 4);
  t.ok(off([...blur.subarray(0, 3)], [220, 40, 30]) < 60, 'left is red');
  const [, data = ''] = (await text('ph=lqip')).split('data:image/webp;base64,');
  t.same((await sharp(Buffer.from(data, 'base64')).metadata()).width, 24);
  t.match(await text('ph=color'), /^#[0-9a-f]{6}$/);
  t.ok(
    off(
      (await text('ph=color&rect=0,0,20,40')).match(/\w\w/g)?.map((hex) => Number.parseInt(hex, 16)) ?? [],
      [220, 40, 30],
    ) < 20,
  );
});

/** Author and copyright in a result, wherever its format keeps EXIF. */
async function rights(bytes: Buffer) {
  const { exif } = await sharp(bytes).metadata();
  if (!exif) return undefined;
  const { Image, GPSInfo } = exifReader(exif);
  return { artist: Image?.['Artist'], copyright: Image?.['Copyright'], gps: GPSInfo };
}

t.test('author and copyright stay, GPS and all else go', async (t) => {
  const exif = {
    IFD0: { Artist: 'A. Maker', Copyright: '(c) Maker', Model: 'Camera 1' },
    IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 30/1 0/1' },
  };
  const source = await sharp(await drawn(16, 16, () => [1, 2, 3]))
    .withExif(exif)
    .jpeg()
    .toBuffer();
  t.ok((await rights(source))?.gps, 'the original has a position');
  for (const fmt of ['jpeg', 'webp', 'avif', 'png']) {
    const kept = await rights((await picture(source, `fmt=${fmt}`)).bytes);
    t.match(kept, { artist: 'A. Maker', copyright: '(c) Maker' }, fmt);
    t.equal(kept?.gps, undefined, `${fmt}: no position`);
    const { bytes } = await picture(source, `fmt=${fmt}&meta=none`);
    t.equal(await rights(bytes), undefined, `${fmt}: nothing with meta=none`);
  }
  const { bytes } = await picture(await corpus('exif/gps-small.jpg'), 'fmt=jpeg');
  t.equal((await rights(bytes))?.gps, undefined);
  t.notOk(bytes.includes('GPS'));
  t.ok((await rights((await picture(source, 'fmt=jpeg&meta=keep')).bytes))?.gps, 'keep keeps it');
});

t.test('ph=color is the colour of what has one, and that of the larger part of what has two', async (t) => {
  const band = fc.integer({ min: 0, max: 255 });
  const hex = (color: readonly number[]) =>
    `#${color.map((each) => each.toString(16).padStart(2, '0')).join('')}`;
  const said = async (bytes: Buffer) => (await picture(bytes, 'ph=color')).bytes.toString();
  await alwaysAsync(
    t,
    fc.asyncProperty(
      fc.tuple(band, band, band),
      fc.tuple(band, band, band),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 60 }),
      async (color, other, width, height) => {
        deepStrictEqual(await said(await drawn(width, height, () => color)), hex(color));
        // Those that are nearly alike count as one.
        fc.pre(color.some((each, at) => Math.abs(each - (other[at] ?? 0)) > 16));
        const two = await drawn(64, height, (x) => (x < 24 ? other : color));
        deepStrictEqual(await said(two), hex(color));
      },
    ),
    { examples: [[[255, 255, 255], [0, 0, 0], 64, 64]] },
  );
  t.equal(await said(await drawn(9, 9, () => [10, 20, 30, 0])), '#ffffff', 'nothing to be seen');
});

t.test('meta=keep does not let a viewer turn the picture a second time', async (t) => {
  for (const query of ['meta=keep', 'meta=keep&icc=keep', 'meta=keep&orient=0', 'meta=keep&icc=p3']) {
    const { bytes } = await picture(await corpus('exif/landscape-6.jpg'), `w=90&fmt=jpeg&${query}`);
    t.match((await sharp(bytes).metadata()).orientation ?? 1, 1, query);
  }
});

t.test(
  'a result that names its author lies upright, whatever the original says its orientation in',
  async (t) => {
    const scene = await drawn(40, 20, (x, y) => [250, x * 3, y * 6]);
    const xmp = writeDublinCore({ rights: '(c) Somebody' });
    for (const orientation of [1, 3, 5, 6, 8])
      for (const kind of ['tiff', 'jpeg', 'png', 'webp'] as const) {
        const original = await sharp(scene).withMetadata({ orientation }).withXmp(xmp)[kind]().toBuffer();
        for (const format of ['jpeg', 'webp', 'png', 'avif'])
          for (const query of ['', '&rot=90', '&orient=0', '&icc=p3', '&r=5', '&mb=20k']) {
            const { bytes } = await picture(original, `w=30&fmt=${format}${query}`);
            const made = await sharp(bytes).metadata();
            const name = `${kind} ${orientation} ${format}${query}`;
            t.equal(made.orientation ?? 1, 1, name);
            t.equal(made.exif && exifReader(made.exif).Image?.Copyright, '(c) Somebody', name);
          }
      }
  },
);

t.test('what is kept of a turned original is kept together: its profile, its EXIF, its pixels', async (t) => {
  const scene = await drawn(40, 20, (x, y) => [250, x * 3, y * 6]);
  for (const orientation of [1, 3, 6])
    for (const format of ['jpeg', 'webp', 'avif', 'png'] as const) {
      const source = await sharp(scene)
        .withMetadata({ orientation })
        .withExifMerge({ IFD0: { Model: 'Camera 1' } })
        .withIccProfile('p3')
        .jpeg({ quality: 98, chromaSubsampling: '4:4:4' })
        .toBuffer();
      for (const more of ['', '&orient=0', '&pad=2', '&rot=90']) {
        const query = `fmt=${format}&icc=keep&meta=keep&q=98&chroma=444${more}`.replace(
          /&q=98&chroma=444/,
          format === 'png' ? '' : '&q=98',
        );
        const { bytes } = await picture(source, query);
        const made = await sharp(bytes).metadata();
        const own = (await sharp(source).metadata()).icc;
        t.ok(own && made.icc?.equals(own), `${orientation} ${query}: the profile`);
        t.equal(made.orientation ?? 1, 1, `${orientation} ${query}: upright`);
        t.equal(made.exif && exifReader(made.exif).Image?.Model, 'Camera 1', `${orientation} ${query}: EXIF`);
      }
    }
});

t.test('broken EXIF costs nobody the picture', async (t) => {
  t.match((await picture(await corpus('exif/broken-exif-dpi.jpg'), 'w=50&fmt=webp')).size, { width: 50 });
});

t.test('colors is the palette of PNG and GIF, at the next of 2, 4, 16 and 256', async (t) => {
  const source = await corpus('photos/kodim23.png');
  const used = async (query: string) => {
    const { data } = await pixels((await picture(source, `w=120&${query}`)).bytes);
    return new Set(Array.from({ length: data.length / 4 }, (_, index) => data.readUInt32BE(index * 4))).size;
  };
  for (const fmt of ['png', 'gif']) {
    const counts = await Promise.all([2, 4, 12, 16].map((colors) => used(`colors=${colors}&fmt=${fmt}`)));
    t.same(counts, [2, 4, 16, 16], fmt);
  }
});

t.test('page shows another page of a TIFF', async (t) => {
  const stills = await Promise.all(
    [
      [255, 0, 0],
      [0, 255, 0],
    ].map((color) => drawn(20, 10, () => color)),
  );
  const source = await sharp(stills, { join: { animated: true } })
    .tiff({ compression: 'lzw' })
    .toBuffer();
  t.ok(off((await pixels((await picture(source, 'fmt=png')).bytes)).at(5, 5), [255, 0, 0]) <= 1);
  const second = await picture(source, 'page=2&w=10&fmt=png');
  t.ok(off((await pixels(second.bytes)).at(5, 3), [0, 255, 0]) <= 1);
  t.same(second.size, { width: 10, height: 5 });
});

t.test('progressive, lossless, chroma and quality reach the file', async (t) => {
  const source = await corpus('photos/kodim23.png');
  const facts = async (query: string) => sharp((await picture(source, `w=64&${query}`)).bytes).metadata();
  t.equal((await facts('fmt=jpeg')).isProgressive, true, 'JPEG comes in scans');
  t.equal((await facts('fmt=jpeg&progressive=0')).isProgressive, false);
  t.equal((await facts('fmt=png')).isProgressive, false);
  t.equal((await facts('fmt=png&progressive')).isProgressive, true);
  t.equal((await facts('fmt=jpeg')).chromaSubsampling, '4:2:0');
  t.equal((await facts('fmt=jpeg&chroma=444')).chromaSubsampling, '4:4:4');
  const { data } = await pixels((await picture(source, 'w=64&fmt=png')).bytes);
  t.ok(
    data.equals((await pixels((await picture(source, 'w=64&fmt=webp&lossless')).bytes)).data),
    'WebP without loss',
  );
  const sizes = await Promise.all(
    [20, 50, 75, 95].map(async (q) => (await picture(source, `w=200&fmt=avif&q=${q}`)).bytes.length),
  );
  t.same(
    sizes,
    sizes.toSorted((a, b) => a - b),
    'more q, more bytes',
  );
});

t.test('a drawing is drawn at the size that is asked for: sharp edges, without up', async (t) => {
  const svg = (side: string) =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 20 20"><rect width="20" height="20" fill="#fff"/><circle cx="10" cy="10" r="8" fill="#000"/></svg>`,
    );
  const greys = async (query: string, side = '20') => {
    const { width, height, data } = await pixels((await picture(svg(side), `${query}&fmt=png`)).bytes);
    const soft = Array.from({ length: width * height }, (_, index) => data[index * 4] ?? 0).filter(
      (level) => level > 20 && level < 235,
    );
    return { width, height, soft: soft.length };
  };
  for (const [query, width, height] of [
    ['w=800', 800, 800],
    ['w=800&h=400&fit=cover', 800, 400],
    ['rect=0,0,10,20&w=400', 400, 800],
    ['w=400&h=400&fit=cover&zoom=2', 400, 400],
    ['trim&w=800', 800, 800],
  ] as const) {
    const seen = await greys(query);
    t.same([seen.width, seen.height], [width, height], query);
    // A circle enlarged from 20 px is a broad smear: tens of thousands of greys.
    t.ok(seen.soft < 8000, `${query}: ${seen.soft} greys`);
  }
  t.match(await greys('w=800', '5mm'), { width: 800, height: 800 }, 'millimetres too');
  t.match(await greys(''), { width: 20, height: 20 }, 'its own size unless another is asked for');
});

t.test(
  'a drawing that would need too many pixels is enlarged from fewer, and the answer says so',
  async (t) => {
    const bytes = await corpus('samples/drop-shadow.svg');
    const { size, warnings } = await picture(bytes, 'rect=r,0,0,0.01,0.01&w=400&fmt=png', {
      limits: { maxPixels: 1e6, maxFrames: 1 },
    });
    t.same([size, warnings], [{ width: 400, height: 200 }, ['enlarged-drawing']]);
  },
);

/** A JPEG that names its owner and carries a thumbnail of itself (Exif 2.32, 4.5.5: IFD1). */
async function withThumbnail(jpeg: Buffer): Promise<Buffer> {
  const thumbnail = await sharp(jpeg).resize(80).jpeg().toBuffer();
  const owner = Buffer.from('(c) Maker\0');
  const entry = (tag: number, type: number, count: number, value: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(type, 2);
    bytes.writeUInt32LE(count, 4);
    bytes.writeUInt32LE(value, 8);
    return bytes;
  };
  const directory = (entries: Buffer[], next: number) => {
    const [count, link] = [Buffer.alloc(2), Buffer.alloc(4)];
    count.writeUInt16LE(entries.length);
    link.writeUInt32LE(next);
    return Buffer.concat([count, ...entries, link]);
  };
  // Header 8, IFD0 18, owner 10, IFD1 42 bytes; then the thumbnail.
  const tiff = Buffer.concat([
    Buffer.from('II*\0\b\0\0\0'),
    directory([entry(0x8298, 2, owner.length, 26)], 36),
    owner,
    directory([entry(0x103, 3, 1, 6), entry(0x201, 4, 1, 78), entry(0x202, 4, 1, thumbnail.length)], 0),
    thumbnail,
  ]);
  const body = Buffer.concat([Buffer.from('Exif\0\0'), tiff]);
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]);
  return Buffer.concat([head, body, jpeg.subarray(2)]);
}

const START = Buffer.from([0xff, 0xd8, 0xff]);

t.test('the thumbnail of the original does not come along with its copyright', async (t) => {
  const photo = await drawn(200, 200, (x, y) => [x, y, (x * y) % 256]);
  const source = await withThumbnail(await sharp(photo).jpeg().toBuffer());
  const { exif = Buffer.alloc(0) } = await sharp(source).metadata();
  t.ok(exif.length > 1000 && exif.includes(START), 'the original has a thumbnail');
  for (const query of [
    'fmt=jpeg',
    'fmt=webp',
    'fmt=avif',
    'fmt=png',
    'fmt=jpeg&rect=0,0,20,20&blur=2',
    'fmt=webp&mb=20k',
  ]) {
    const { bytes } = await picture(source, `w=40&effort=fast&${query}`);
    const { exif = Buffer.alloc(0) } = await sharp(bytes).metadata();
    t.match(await rights(bytes), { copyright: '(c) Maker' }, query);
    t.ok(exif.length < 500 && !exif.includes(START), `${query}: ${exif.length} bytes of EXIF`);
  }
});

t.test('meta=keep keeps EXIF and XMP through any number of passes', async (t) => {
  const source = await corpus('exif/gps-small.jpg');
  const kept = async (query: string) => {
    const { bytes, warnings } = await picture(source, `w=40&fmt=jpeg&meta=keep&${query}`);
    t.same(warnings, [], query);
    const { exif } = await sharp(bytes).metadata();
    return exif && exifReader(exif).GPSInfo;
  };
  const once = await kept('');
  t.ok(once, 'a position');
  for (const query of ['gray&pad=5', 'mb=20k', 'rot=5&border=3,red', 'icc=keep&pad=2&border=2,red'])
    t.same(await kept(query), once, query);
});

t.test('a mark stays in its corner on a small picture', async (t) => {
  const red = await drawn(20, 20, () => [255, 0, 0]);
  const place = async (side: number, query = '') => {
    const blank = await drawn(side, side, () => [255, 255, 255]);
    const shown = await pixels((await picture(blank, `wm=a&fmt=png${query}`, { watermark: red })).bytes);
    let distance = 0;
    while (distance < side && (shown.at(side - 1 - distance, side - 1 - distance)[1] ?? 0) > 100) distance++;
    return distance;
  };
  t.equal(await place(400), 16);
  t.equal(await place(128), 16);
  t.equal(await place(64), 8);
  t.equal(await place(16), 2);
  t.equal(await place(400, '&wmp=40'), 40);
  t.equal(await place(400, '&wmp=80'), 50, 'an eighth');
  t.equal(await place(16, '&wmp=0'), 0);
});

t.test('a BlurHash shows nothing of what clear pixels hide', async (t) => {
  const hiding = (color: readonly number[]) =>
    drawn(30, 20, (x) => (x < 15 ? [...color, 0] : [40, 80, 160, 255]));
  const hash = async (color: readonly number[]) =>
    (await picture(await hiding(color), 'ph=blurhash')).bytes.toString();
  t.equal(await hash([255, 0, 0]), await hash([0, 0, 0]));
  const white = await drawn(30, 20, (x) => (x < 15 ? [255, 255, 255] : [40, 80, 160]));
  t.equal(await hash([9, 200, 9]), (await picture(white, 'ph=blurhash')).bytes.toString(), 'they are white');
});

t.test('a placeholder has the padding and the border of its picture, in proportion', async (t) => {
  const source = await drawn(400, 400, (x, y) => [x / 2, y / 2, 90]);
  const query = 'w=300&h=100&fit=cover&pad=20&border=10,ff0000&bg=0000ff&r=30&blur=1&pix=2';
  const whole = await pixels((await picture(source, `${query}&fmt=png`)).bytes);
  const text = (await picture(source, `${query}&ph=lqip`)).bytes.toString();
  const small = await pixels(Buffer.from(text.split('base64,')[1] ?? '', 'base64'));
  const aspect = (size: { width: number; height: number }) => size.width / size.height;
  t.ok(Math.abs(aspect(small) / aspect(whole) - 1) < 0.08, `${small.width} x ${small.height}`);
});
