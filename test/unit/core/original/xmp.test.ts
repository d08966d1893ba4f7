import exifReader from 'exif-reader';
import sharp from 'sharp';
import t from 'tap';
import { dublinCore } from '../../../../server/core/original/xmp.ts';
import { drawn, picture } from '../../../support/pictures.ts';

const packet = (inside: string, attributes = ''): string =>
  `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"${attributes}>${inside}</rdf:Description></rdf:RDF></x:xmpmeta>`;
const alt = (...items: string[]): string => `<dc:rights><rdf:Alt>${items.join('')}</rdf:Alt></dc:rights>`;
const rights = (text: string) => dublinCore(Buffer.from(text), 'rights');

t.test('rights are read as the specification spells them', async (t) => {
  t.equal(rights(packet(alt('<rdf:li xml:lang="x-default">\u00a9 Zo\u00eb</rdf:li>'))), '\u00a9 Zo\u00eb');
  const two = alt('<rdf:li xml:lang="de">alle</rdf:li>', '<rdf:li xml:lang="x-default">all</rdf:li>');
  t.equal(rights(packet(two)), 'all');
  t.equal(rights(packet(alt('<rdf:li xml:lang="de">alle</rdf:li>'))), 'alle');
  t.equal(rights(packet('<dc:rights>plain</dc:rights>')), 'plain');
  t.equal(rights(packet('', ' dc:rights="in an attribute"')), 'in an attribute');
  t.equal(rights(packet('', " dc:rights='with an apostrophe'")), 'with an apostrophe');
  t.equal(
    rights(packet(alt('<rdf:li xml:lang="x-default">A &amp; B &lt;c&gt; &#169; &#xa9;</rdf:li>'))),
    'A & B <c> \u00a9 \u00a9',
  );
  t.equal(rights(packet('<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li></rdf:Seq></dc:creator>')), undefined);
  for (const broken of [
    '',
    '<dc:rights',
    '<dc:rights>',
    `<dc:rights>${'<rdf:li '.repeat(20_000)}`,
    '&#9999999;',
  ])
    t.equal(rights(broken), undefined, broken.slice(0, 20));
});

t.test('copyright in XMP alone is in the result, which says sRGB', async (t) => {
  const both = packet(
    `${alt('<rdf:li xml:lang="x-default">2026 Ann</rdf:li>')}<dc:creator><rdf:Seq><rdf:li>Ann Other</rdf:li></rdf:Seq></dc:creator>`,
  );
  const scene = sharp(await drawn(20, 10, (x, y) => [x * 9, y * 9, 50])).withXmp(both);
  for (const file of [
    await scene.clone().jpeg().toBuffer(),
    await scene.clone().png().toBuffer(),
    await scene.clone().webp().toBuffer(),
  ])
    for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
      const { bytes } = await picture(file, `w=10&fmt=${format}`);
      const { exif, xmp } = await sharp(bytes).metadata();
      const read = exif && exifReader(exif);
      t.match(read?.Image, { Artist: 'Ann Other', Copyright: '2026 Ann' }, format);
      t.equal(read?.Photo?.ColorSpace, 1, `${format}: sRGB`);
      t.equal(xmp, undefined);
    }
  const wide = await picture(await scene.clone().withIccProfile('p3').png().toBuffer(), 'icc=p3&fmt=png');
  const { exif } = await sharp(wide.bytes).metadata();
  t.not(exif && exifReader(exif).Photo?.ColorSpace, 1, 'P3 is none');
});
