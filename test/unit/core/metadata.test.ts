import sharp from 'sharp';
import t from 'tap';
import { copyrightOf } from '../../../server/core/metadata.ts';
import { corpus } from '../../support/corpus.ts';
import { drawn, picture } from '../../support/pictures.ts';

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

t.test('broken blocks are no blocks', async (t) => {
  for (const hex of ['', '1c', '1c02', '1c0250ffff41', '1c02500005', '00'.repeat(40), '1c'.repeat(40)]) {
    const bytes = Buffer.from(hex, 'hex');
    t.doesNotThrow(() => copyrightOf({ ...SIZE, iptc: bytes, exif: bytes }), hex);
  }
});
