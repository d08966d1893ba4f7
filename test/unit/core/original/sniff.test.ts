import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import t from 'tap';
import { SNIFF_BYTES, sniff } from '../../../../server/core/original/sniff.ts';
import { formatOf } from '../../../../server/core/original/source.ts';
import { openOriginal } from '../../../../server/core/render/render.ts';
import { corpus, manifest } from '../../../support/corpus.ts';
import { drawn } from '../../../support/pictures.ts';

const text = (content: string) => sniff(Buffer.from(content));

t.test('knows every format that sharp writes', async (t) => {
  const source = sharp(await drawn(8, 8, () => [1, 2, 3]));
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const) {
    t.same(sniff(await source.clone().toFormat(format).toBuffer()), { format }, format);
  }
});

t.test('goes by content: names and endings lie', async (t) => {
  t.same(sniff(await corpus('corrupt/png-named.jpg')), { format: 'png' });
  t.same(sniff(await corpus('corrupt/html-named.png')), { unsupported: 'an HTML page' });
  t.same(sniff(await corpus('corrupt/gif-html-polyglot.gif')), { format: 'gif' });
});

t.test('tells what a file is that cannot be read', async (t) => {
  const told: Record<string, Buffer> = {
    'a BMP image': await corpus('formats/unsupported.bmp'),
    'a PDF document': await corpus('formats/unsupported.pdf'),
    'a Photoshop document': await corpus('formats/unsupported.psd'),
    'an AVIF image sequence': Buffer.from('00000018667479706176697300000000617669736d736631', 'hex'),
    'an empty file': Buffer.alloc(0),
    'an unknown file type': Buffer.from('hello'),
    'a ZIP archive': Buffer.from('504b03041400', 'hex'),
    'an MP4 or QuickTime file': Buffer.from('00000018667479706d703432000000006d703432', 'hex'),
  };
  for (const [name, bytes] of Object.entries(told)) {
    t.same(sniff(bytes), { unsupported: name });
    t.throws(() => formatOf(bytes), { code: 'unsupported_source', status: 415, facts: { received: name } });
  }
});

t.test('a HEIF is one by any of its brands, unless AV1 is inside', (t) => {
  const branded = (...brands: string[]) => {
    const [major = '', ...others] = brands;
    const box = Buffer.from(`\0\0\0\0ftyp${major}\0\0\0\0${others.join('')}`, 'latin1');
    box.writeUInt32BE(box.length);
    return box;
  };
  for (const major of [
    'heic',
    'heix',
    'heim',
    'heis',
    'hevc',
    'hevx',
    'hevm',
    'hevs',
    'mif1',
    'mif2',
    'msf1',
  ])
    t.same(sniff(branded(major, major)), { format: 'heic' }, major);
  t.same(sniff(branded('mif1', 'miaf', 'heic')), { format: 'heic' });
  t.same(sniff(branded('mif1', 'miaf', 'avif')), { format: 'avif' });
  t.same(sniff(branded('isom', 'heic')), { format: 'heic' }, 'a video that has a picture');
  t.same(sniff(branded('isom', 'mp42', 'hev1')), { unsupported: 'an MP4 or QuickTime file' });
  t.end();
});

t.test(
  'an SVG may open with a declaration, comments, a DTD or a prefix; other XML and HTML are none',
  async (t) => {
    const svg = [
      '<svg/>',
      '<?xml version="1.0"?>\n<!-- a > b --><!DOCTYPE svg [<!ENTITY a "b">]>\n<svg width="1">',
      '\uFEFF  <svg>',
      '<s:svg xmlns:s="x">',
      '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd"><svg>',
    ];
    for (const content of svg) t.same(text(content), { format: 'svg' }, content);
    t.same(
      sniff(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<svg/>', 'utf16le')])),
      { format: 'svg' },
      'UTF-16',
    );
    for (const content of [
      '<svgx/>',
      '<html><svg/></html>',
      '<rss><svg/></rss>',
      'x<svg/>',
      '<script>svg</script>',
    ])
      t.notSame(text(content), { format: 'svg' }, content);
  },
);

/** What may stand before the root element, or be said of it. */
const LEADS: readonly string[] = [
  `<!-- ${'This work is licensed under CC BY-SA. '.repeat(500)}-->`,
  '<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><!-- <html> --><?xpacket end="w"?>',
  '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "a>b" [<!ENTITY ns "http://x/"><!-- ]> -->]>',
  '\n\t <!---->',
  '',
];

/** Every encoding that a text of XML has without a declaration, each with its byte order mark and without. */
const ENCODERS: Readonly<Record<string, (text: string) => Buffer>> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with a mark': (text) => Buffer.from(`\uFEFF${text}`),
  'UTF-16LE with a mark': (text) => Buffer.from(`\uFEFF${text}`, 'utf16le'),
  'UTF-16BE with a mark': (text) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
  'UTF-16LE': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16BE': (text) => Buffer.from(text, 'utf16le').swap16(),
  'Latin-1': (text) => Buffer.from(text, 'latin1'),
};

t.test('an SVG is known behind all that may stand before it, in any encoding, compressed too', async (t) => {
  for (const [encoding, encode] of Object.entries(ENCODERS)) {
    for (const [number, lead] of LEADS.entries()) {
      const svg = encode(`${lead}<!-- é --><svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"/>`);
      t.same(sniff(svg), { format: 'svg' }, `${encoding} ${number}`);
      t.same(sniff(gzipSync(svg)), { format: 'svg' }, `${encoding} ${number}, compressed`);
      const html = encode(`${lead.replace('DOCTYPE svg', 'DOCTYPE html')}<!-- <svg> --><html><svg/></html>`);
      t.ok('unsupported' in sniff(html), `${encoding} ${number} before HTML`);
    }
  }
});

t.test('what is compressed is told by what is inside, and nothing inflates without end', async (t) => {
  t.same(sniff(gzipSync(await corpus('exif/gps-small.jpg'))), { format: 'jpeg' });
  for (const inside of [Buffer.alloc(2 ** 26), gzipSync(gzipSync(Buffer.from('<svg/>'))), Buffer.from('a')])
    t.same(sniff(gzipSync(inside)), { unsupported: 'a gzip archive' });
  t.same(sniff(Buffer.from('1f8b', 'hex')), { unsupported: 'a gzip archive' });
  await t.rejects(openOriginal(gzipSync(Buffer.concat([Buffer.from('<svg/>'), Buffer.alloc(2 ** 26)]))), {
    code: 'source_too_large',
  });
  const whole = gzipSync(Buffer.from(`<svg width="9" height="9"><!--${'a b '.repeat(5000)}--></svg>`));
  await t.rejects(openOriginal(whole.subarray(0, whole.length - 9)), { code: 'damaged_source' });
});

t.test('a prolog is read in one pass, whatever it is made of', async (t) => {
  for (const piece of ['<!--', '<?a', '<!DOCTYPE svg [', '<!A "', "<!A '", '<!A [', '<', ' ', '\0<'])
    t.ok(sniff(Buffer.from(piece.repeat(SNIFF_BYTES / piece.length))), `${piece} without end`);
});

t.test('every readable file of the corpus is known by its first bytes', async (t) => {
  for (const { file, outcome } of manifest()) {
    if (outcome === 'decode') t.ok('format' in sniff(await corpus(file)), file);
  }
});

t.test('no prefix of a file breaks it', async (t) => {
  for (const file of ['exif/rot0mir1.avif', 'sizes/7x5003.webp', 'svg/plain.svg', 'exif/g4-1.tif']) {
    const bytes = await corpus(file);
    for (let length = 0; length < 64; length++) t.type(sniff(bytes.subarray(0, length)), 'object');
  }
});
