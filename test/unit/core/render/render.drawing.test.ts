import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import t from 'tap';
import { lettersOf } from '../../../../server/core/render/drawing-warnings.ts';
import { openOriginal } from '../../../../server/core/render/render.ts';
import { difference, picture, pixels } from '../../../support/pictures.ts';
import { times } from '../../../support/sample.ts';

const XMLNS = 'xmlns="http://www.w3.org/2000/svg"';
const BARS =
  '<rect width="50%" height="100%" fill="#c00"/><rect x="50%" width="50%" height="100%" fill="#00c"/>';

t.test('a drawing is the same in every encoding, and compressed', async (t) => {
  const svg = (declared: string) =>
    `${declared}<!-- é --><svg ${XMLNS} width="40" height="20"><title>é</title>${BARS}</svg>`;
  const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');
  const plain = Buffer.from(svg(''));
  const expected = await pixels(await sharp(plain).resize(80, 40, { fit: 'fill' }).png().toBuffer());
  const spellings: Readonly<Record<string, Buffer>> = {
    plain,
    'UTF-16LE': utf16(svg('<?xml version="1.0" encoding="UTF-16"?>')),
    'UTF-16BE': utf16(svg('<?xml version="1.0"?>')).swap16(),
    'Latin-1': Buffer.from(svg('<?xml version="1.0" encoding="ISO-8859-1"?>'), 'latin1'),
    'Latin-1 that says nothing': Buffer.from(svg(''), 'latin1'),
    'Latin-1 that says UTF-8': Buffer.from(svg('<?xml version="1.0" encoding="utf-8"?>'), 'latin1'),
    'UTF-8 that says UTF-16': Buffer.from(svg('<?xml version="1.0" encoding="UTF-16"?>')),
    'a declaration that comes late': Buffer.from(svg('\n <?xml version="1.0"?>')),
    'names with a prefix': Buffer.from(
      `<s:svg xmlns:s="http://www.w3.org/2000/svg" width="40" height="20">${BARS.replaceAll('<', '<s:')}</s:svg>`,
    ),
    compressed: gzipSync(plain),
  };
  for (const [name, bytes] of Object.entries(spellings)) {
    const { bytes: shown } = await picture(bytes, 'w=80&fmt=png');
    t.equal(difference(await pixels(shown), expected), 0, name);
  }
});

t.test('a raster that is stored compressed is what it is inside', async (t) => {
  const png = await sharp({ create: { width: 8, height: 4, channels: 3, background: '#c00' } })
    .png()
    .toBuffer();
  const { bytes } = await picture(gzipSync(png), 'fmt=png');
  t.equal(difference(await pixels(bytes), await pixels(png)), 0);
});

t.test('a side of less than a pixel is scaled to what is asked', async (t) => {
  const box = (width: number, height: number) => `viewBox="0 0 ${width} ${height}"`;
  const sizes = [
    [300, 0.25],
    [0.5, 200],
    [0.1, 0.1],
    [0.004, 10],
    [1000, 0.04],
  ] as const;
  for (const [width, height] of sizes) {
    const tags = [
      `width="${width}" height="${height}"`,
      `width='${width}px' height="${height}px" ${box(width, height)}`,
      box(width, height),
      `width="100%" height="100%" ${box(width, height)}`,
      `width="${width / 72}in" height="${(height / 72) * 25.4}mm"`,
    ];
    for (const tag of tags) {
      const bytes = Buffer.from(`<svg ${XMLNS} ${tag}>${BARS}</svg>`);
      const { source } = await openOriginal(bytes);
      t.ok(Math.abs(source.stored.width / width - 1) < 0.01, `${tag}: ${source.stored.width}`);
      t.ok(Math.abs(source.stored.height / height - 1) < 0.01, `${tag}: ${source.stored.height}`);
      for (const query of ['w=100', 'h=300', '']) {
        const { size, bytes: shown } = await picture(bytes, `${query}&fmt=png`);
        const scale = Number(/w=(\d+)/.exec(query)?.[1] ?? Number.NaN) / width;
        const factor = Number.isNaN(scale) ? Number(/h=(\d+)/.exec(query)?.[1] ?? height) / height : scale;
        if (Math.max(width, height) * factor > 8192) continue;
        const side = (length: number) => Math.max(1, Math.round(length * factor));
        t.same(size, { width: side(width), height: side(height) }, `${tag} ${query}`);
        const { at, ...drawn } = await pixels(shown);
        if (drawn.width > 1) t.same(at(0, 0), [204, 0, 0, 255], `${tag} ${query} is drawn`);
      }
    }
  }
});

t.test('a drawing without a side has no size', async (t) => {
  for (const tag of ['width="0" height="9"', 'viewBox="0 0 9 0"'])
    await t.rejects(
      openOriginal(Buffer.from(`<svg ${XMLNS} ${tag}>${BARS}</svg>`)),
      { code: 'damaged_source' },
      tag,
    );
});

t.test('a drawing that comes out blank says so', async (t) => {
  const svg = (body: string) => Buffer.from(`<svg ${XMLNS} width="40" height="20">${body}</svg>`);
  const itself = '<g id="a"><rect width="9" height="9"/><use href="#a"/></g>';
  const blank = [
    '',
    '<text y="10"></text>',
    itself.replace('<rect width="9" height="9"/>', ''),
    '<image href="a.png"/>',
  ];
  for (const body of blank) {
    const { warnings } = await picture(svg(body), 'fmt=jpeg');
    t.match(warnings, ['blank-drawing'], body);
  }
  for (const body of [BARS, '<rect width="1" height="1" fill-opacity="0.01"/>']) {
    const { warnings } = await picture(svg(body), 'w=100&fmt=jpeg');
    t.same(warnings, [], body);
  }
});

const nested = (depth: number) => '<g>'.repeat(depth) + '</g>'.repeat(depth);
/** Each group shows the one before so many times. */
const shown = (groups: number, times: number) =>
  `<defs>${Array.from({ length: groups }, (_, group) => `<g id="g${group}">${`<use href="#g${group - 1}"/>`.repeat(group ? times : 0)}<path d="M0 0h9v9"/></g>`).join('')}</defs><use href="#g${groups - 1}"/>`;

t.test('what refers to itself comes out blank and says so, whatever does', async (t) => {
  const full = 'width="40" height="20"';
  const pattern = (id: string, other: string) =>
    `<pattern id="${id}" width="9" height="9" patternUnits="userSpaceOnUse"><rect ${full} fill="url(#${other})"/></pattern>`;
  const drawings: Readonly<Record<string, string>> = {
    'each other': '<defs><g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g></defs><use href="#a"/>',
    'a pattern': `${pattern('p', 'p')}<rect ${full} fill="url(#p)"/>`,
    'two patterns': `${pattern('p', 'q')}${pattern('q', 'p')}<rect ${full} fill="url(#p)"/>`,
    'what patterns take over': `<pattern id="p" href="#q"/><pattern id="q" href="#p"/><rect ${full} fill="url(#p)"/>`,
    'what gradients take over': `<linearGradient id="p" href="#q"/><linearGradient id="q" href="#p"/><rect ${full} fill="url(#p)"/>`,
    'an image in a filter': `<filter id="f"><feImage href="#r"/></filter><rect id="r" ${full} filter="url(#f)"/>`,
    'a filter over its limits': `<filter id="f"><feGaussianBlur stdDeviation="1e9"/></filter><rect ${full} filter="url(#f)"/>`,
  };
  for (const [name, body] of Object.entries(drawings))
    for (const query of ['fmt=png', 'fmt=jpeg&bg=ff0000', 'w=9&fmt=webp'])
      t.match(
        (await picture(Buffer.from(`<svg ${XMLNS} ${full}>${body}</svg>`), query)).warnings,
        ['blank-drawing'],
        `${name}, ${query}`,
      );
});

t.test('a drawing over a limit of its reader is named by it, not called damaged', async (t) => {
  const entities = [...'bcdefgh'].map(
    (name, index) => `<!ENTITY ${name} "${`&${'abcdefg'[index]};`.repeat(10)}">`,
  );
  type Limits = ReadonlyArray<readonly [what: RegExp, body: string, head?: string]>;
  const drawings: Limits = [
    [/256 elements inside/, nested(300)],
    [/500 layers inside/, shown(600, 1)],
    // Seconds of the processor: in the long form.
    ...times<Limits>([], [[/500000 referenced elements/, shown(9, 10)]]),
    [/entities grow/, '<text>&h;</text>', `<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">${entities.join('')}]>`],
    [/entities grow/, '<text>&a;</text>', '<!DOCTYPE svg [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'],
  ];
  for (const [what, body, head = ''] of drawings)
    await t.rejects(
      picture(Buffer.from(`${head}<svg ${XMLNS} width="40" height="20">${body}</svg>`), 'fmt=png'),
      { code: 'unsupported_source', message: what },
      String(what),
    );
  t.same(
    (
      await picture(
        Buffer.from(`<svg ${XMLNS} width="40" height="20">${nested(250)}${BARS}</svg>`),
        'fmt=png',
      )
    ).warnings,
    [],
  );
});

t.test('letters are those of texts, with their entities, and of nothing else', async (t) => {
  const texts: ReadonlyArray<readonly [body: string, letters: string]> = [
    ['<text>a b</text>', 'ab'],
    ['<text>a<tspan x="1">b</tspan>c</text>d', 'abc'],
    ['<title>x</title><text><title>y</title>a</text><desc>z</desc>', 'a'],
    ['<s:text>&#x4f60;&#22909;&amp;&lt;&unknown;</s:text>', '你好&<'],
    ['<text/>a<text />b', ''],
    ['<text>a\u200d\ufe0f\u00ad\u00a0</text>', 'a'],
    ['<style>text{}</style><textPath>q</textPath>', ''],
    ['<text>&#x110000;&#xd800;</text>', ''],
  ];
  for (const [body, letters] of texts)
    t.same(
      [...lettersOf(body)],
      [...letters].map((letter) => letter.codePointAt(0)),
      body,
    );
});
