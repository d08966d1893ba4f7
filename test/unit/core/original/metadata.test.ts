import exifReader from 'exif-reader';
import sharp from 'sharp';
import t from 'tap';
import { EXIF_TAGS, readExif, textIn } from '../../../../server/core/original/exif.ts';
import { copyrightOf } from '../../../../server/core/original/metadata.ts';
import { corpus, corpusRows } from '../../../support/corpus.ts';
import { drawn, picture } from '../../../support/pictures.ts';

const SIZE = { width: 1, height: 1 };

/** IPTC datasets of record 2. */
const iptc = (...sets: readonly [dataset: number, text: string][]): Buffer =>
  Buffer.concat(
    sets.map(([dataset, text]) => {
      const bytes = Buffer.from(text);
      return Buffer.concat([Buffer.from([0x1c, 2, dataset, bytes.length >> 8, bytes.length & 255]), bytes]);
    }),
  );

t.test('author and copyright come from EXIF, else from IPTC', async (t) => {
  const image = sharp(await drawn(4, 4, () => [0, 0, 0])).withExif({
    IFD0: { Artist: 'E', Copyright: 'CE' },
  });
  const { exif } = await sharp(await image.jpeg().toBuffer()).metadata();
  const block = iptc([5, 'title'], [80, 'I'], [116, 'CI']);
  t.same(copyrightOf({ ...SIZE, ...(exif ? { exif } : {}), iptc: block }), {
    IFD0: { Artist: 'E', Copyright: 'CE' },
  });
  t.same(copyrightOf({ ...SIZE, iptc: block }), { IFD0: { Artist: 'I', Copyright: 'CI' } });
  t.same(
    copyrightOf({ ...SIZE, iptc: iptc([110, 'Agency']) }),
    { IFD0: { Artist: 'Agency' } },
    'credit stands in',
  );
  t.equal(copyrightOf(SIZE), undefined);
});

/** The same as a resource of a Photoshop block, as cameras and editors write it into APP13. */
const photoshop = (datasets: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('Photoshop 3.0\u00008BIM\u0004\u0004\0\0\0\0', 'latin1'),
    Buffer.from([0, datasets.length]),
    datasets,
  ]);

t.test('a block in a JPEG is found, and its copyright is in the result', async (t) => {
  const jpeg = await sharp(await drawn(8, 8, () => [9, 9, 9]))
    .jpeg()
    .toBuffer();
  // 23 letters make a resource of 28 bytes: its size looks like the start of a dataset (0x1c).
  for (const author of ['Jane', 'J'.repeat(23)]) {
    const block = photoshop(iptc([116, author]));
    const segment = Buffer.concat([Buffer.from([0xff, 0xed, 0, block.length + 2]), block]);
    const tagged = Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
    const { exif } = await sharp((await picture(tagged, 'fmt=webp')).bytes).metadata();
    t.match(exif?.toString('latin1'), new RegExp(`${author}\0`));
  }
  const { iptc: other } = await sharp(await corpus('exif/iptc.jpg')).metadata();
  t.equal(
    copyrightOf({ ...SIZE, ...(other ? { iptc: other } : {}) }),
    undefined,
    'keywords and places are none',
  );
});

t.test('padding, control characters and novels do not get through', async (t) => {
  const dirty = copyrightOf({ ...SIZE, iptc: iptc([80, '\0\0Jane\r\nDoe\0\0'], [116, 'x'.repeat(3000)]) });
  t.equal(dirty?.IFD0?.['Artist'], 'Jane Doe');
  t.equal(dirty?.IFD0?.['Copyright']?.length, 512);
  t.equal(copyrightOf({ ...SIZE, iptc: iptc([80, '\0 \0']) }), undefined);
});

/** An EXIF block that names a copyright, by value where it fits into the entry. */
function exifOf(order: 'II' | 'MM', copyright: Buffer, type = 2): Buffer {
  const [count, u16, u32] =
    order === 'II'
      ? (['\u0001\0', 'writeUInt16LE', 'writeUInt32LE'] as const)
      : (['\0\u0001', 'writeUInt16BE', 'writeUInt32BE'] as const);
  const tiff = Buffer.alloc(26 + copyright.length);
  tiff.write(order === 'II' ? 'II*\0\u0008\0\0\0' : 'MM\0*\0\0\0\u0008', 'latin1');
  tiff.write(count, 8, 'latin1');
  tiff[u16](0x8298, 10);
  tiff[u16](type, 12);
  tiff[u32](copyright.length, 14);
  if (copyright.length > 4) tiff[u32](26, 18);
  copyright.copy(tiff, copyright.length > 4 ? 26 : 18);
  return Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
}

t.test('a copyright with a sign that is not ASCII is one', async (t) => {
  for (const order of ['II', 'MM'] as const) {
    for (const text of ['\u00a9 2016 Zo\u00eb\0', 'Zo\u00eb']) {
      for (const encoding of ['utf8', 'latin1'] as const) {
        const exif = exifOf(order, Buffer.from(text, encoding));
        const expected = { IFD0: { Copyright: text.replace('\0', '') } };
        const what = `${order} ${encoding} ${JSON.stringify(text)}`;
        t.same(copyrightOf({ ...SIZE, exif }), expected, what);
        t.same(copyrightOf({ ...SIZE, exif: exif.subarray(6) }), expected, `${what}, as PNG has it`);
        exif[5] = 0xff;
        t.same(copyrightOf({ ...SIZE, exif }), expected, `${what}, with another pad`);
      }
    }
    t.equal(copyrightOf({ ...SIZE, exif: exifOf(order, Buffer.from('AB'), 3) }), undefined, 'a number');
  }
  const latin = iptc([80, 'x']).fill(0xeb, 5);
  t.same(copyrightOf({ ...SIZE, iptc: latin }), { IFD0: { Artist: '\u00eb' } }, 'IPTC');
  const jpeg = await sharp(await drawn(8, 8, () => [9, 9, 9]))
    .jpeg()
    .toBuffer();
  const block = exifOf('II', Buffer.from('\u00a9 Zo\u00eb\0', 'latin1'));
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, block.length + 2]), block]);
  const tagged = Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
  const { exif } = await sharp((await picture(tagged, 'fmt=webp')).bytes).metadata();
  t.match(exif?.toString('latin1'), /\(C\) Zoe\0/, 'libvips writes the ASCII that EXIF asks for');
});

t.test('letters that EXIF has no place for are in XMP, in every format', async (t) => {
  const jpeg = await sharp(await drawn(8, 8, () => [9, 9, 9]))
    .jpeg()
    .toBuffer();
  const block = exifOf('II', Buffer.from('\u00a9 \u5199\u771f & <\u017dofie>\0'));
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, block.length + 2]), block]);
  const tagged = Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
  for (const query of [
    'fmt=jpeg',
    'fmt=png',
    'fmt=webp',
    'fmt=avif',
    'fmt=webp&w=4&blur=1',
    'fmt=jpeg&icc=p3',
  ]) {
    const { exif, xmp } = await sharp((await picture(tagged, query)).bytes).metadata();
    t.match(exif?.toString('latin1'), /\(C\) \?+ & <Zofie>\0/, query);
    const rights = /<dc:rights>.*<rdf:li[^>]*>(.*)<\/rdf:li>.*<\/dc:rights>/.exec(String(xmp))?.[1] ?? '';
    t.match(rights, /^[ -~]+$/, 'ASCII, which is the same in every encoding');
    const letters = rights.replace(/&#x(.+?);/g, (_, code) =>
      String.fromCodePoint(Number.parseInt(code, 16)),
    );
    t.equal(letters, '\u00a9 \u5199\u771f & <\u017dofie>', query);
    t.notMatch(xmp?.toString(), /creator/, query);
  }
  for (const query of ['fmt=jpeg&meta=none', 'fmt=gif'])
    t.equal((await sharp((await picture(tagged, query)).bytes).metadata()).xmp, undefined, query);
  const plain = await sharp(jpeg)
    .withExif({ IFD0: { Copyright: 'somebody', Artist: 'J. Doe' } })
    .jpeg()
    .toBuffer();
  t.equal((await sharp((await picture(plain, 'fmt=webp')).bytes).metadata()).xmp, undefined);
});

t.test('a TIFF says in its own tags whose it is', async (t) => {
  const written = await sharp(await drawn(8, 8, () => [9, 9, 9]))
    .tiff()
    .toBuffer();
  for (const query of ['fmt=jpeg', 'fmt=png&w=4', 'fmt=webp']) {
    const { exif } = await sharp(
      (await picture(withCopyright(written, '(c) Ann\0'), query)).bytes,
    ).metadata();
    t.match(exif?.toString('latin1'), /\(c\) Ann\0/, query);
  }
});

/** A little-endian TIFF with one more tag, in a directory of its own behind what was there. */
function withCopyright(tiff: Buffer, text: string): Buffer {
  const start = tiff.readUInt32LE(4);
  const count = tiff.readUInt16LE(start);
  const entries = tiff.subarray(start + 2, start + 2 + count * 12);
  const place = tiff.length + 2 + (count + 1) * 12 + 4;
  const head = Buffer.alloc(2);
  head.writeUInt16LE(count + 1);
  const entry = Buffer.alloc(16);
  entry.writeUInt16LE(0x8298, 0);
  entry.writeUInt16LE(2, 2);
  entry.writeUInt32LE(text.length, 4);
  entry.writeUInt32LE(place, 8);
  const file = Buffer.concat([tiff, head, entries, entry, Buffer.from(text)]);
  file.writeUInt32LE(tiff.length, 4);
  return file;
}

t.test('a letter that was cut in half spoils no others', (t) => {
  const cut = Buffer.from('\u00a9 2016 Zo\u00eb').subarray(0, -1);
  for (const text of [cut, Buffer.concat([cut, Buffer.alloc(3)])])
    t.same(copyrightOf({ ...SIZE, exif: exifOf('II', text) }), { IFD0: { Copyright: '\u00a9 2016 Zo' } });
  t.end();
});

t.test('a text of megabytes is not read to its end', (t) => {
  const block = exifOf('MM', Buffer.alloc(2_000_000, 'ab'));
  const directory = readExif(block);
  t.equal(directory && textIn(directory, EXIF_TAGS.copyright)?.length, 4096);
  t.equal(String(copyrightOf({ ...SIZE, exif: block })?.IFD0?.['Copyright']).length, 512);
  t.end();
});

t.test('says of every EXIF of the corpus what another reader says', async (t) => {
  let read = 0;
  for (const { file } of corpusRows().filter(({ outcome }) => outcome === 'decode')) {
    const { exif } = await sharp(await corpus(file))
      .metadata()
      .catch((): { exif?: Buffer } => ({}));
    if (!exif) continue;
    const other = theirs(exif);
    if (!other) continue;
    read += 1;
    const said = copyrightOf({ ...SIZE, exif })?.IFD0;
    const trimmed = (value: unknown) => (typeof value === 'string' ? value.replaceAll('\0', ' ').trim() : '');
    t.equal(said?.['Artist'] ?? '', trimmed(other['Artist']), `${file}: Artist`);
    t.equal(said?.['Copyright'] ?? '', trimmed(other['Copyright']), `${file}: Copyright`);
  }
  t.ok(read >= 15, `${read} blocks`);
});

function theirs(exif: Buffer): Record<string, unknown> | undefined {
  try {
    return exifReader(exif).Image ?? undefined;
  } catch {
    return undefined;
  }
}

t.test('broken blocks are no blocks', async (t) => {
  for (const hex of ['', '1c', '1c02', '1c0250ffff41', '1c02500005', '00'.repeat(40), '1c'.repeat(40)]) {
    const bytes = Buffer.from(hex, 'hex');
    t.doesNotThrow(() => copyrightOf({ ...SIZE, iptc: bytes, exif: bytes }), hex);
  }
});
