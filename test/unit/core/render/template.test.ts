import t from 'tap';
import { fillTemplate } from '../../../../server/core/render/template.ts';

const filled = (svg: string, text: string): string | undefined =>
  fillTemplate(Buffer.from(svg), text)?.toString();

t.test('a text stands where a text may stand, and nowhere else', (t) => {
  const svg = (inside: string) => `<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`;
  const rows: [inside: string, wanted: string][] = [
    ['<text>{text}</text>', '<text>a&#38;b</text>'],
    ['<text>from {text} to {text}</text>', '<text>from a&#38;b to a&#38;b</text>'],
    ['<a:text x="1>2">{text}</a:text>', '<a:text x="1>2">a&#38;b</a:text>'],
    ['<style/><text>{text}</text>', '<style/><text>a&#38;b</text>'],
    ['<style>a{}</style><text>{text}</text>', '<style>a{}</style><text>a&#38;b</text>'],
  ];
  for (const [inside, wanted] of rows) t.equal(filled(svg(inside), 'a&b'), svg(wanted), inside);
  const nowhere = [
    '',
    '<text>{ text }</text>',
    '<image href="{text}"/>',
    "<text style='fill:{text}'/>",
    '<style>{text}</style>',
    '<s:STYLE media="x">{text}</s:STYLE>',
    '<script>{text}</script>',
    '<!-- {text} -->',
    '<text><![CDATA[{text}]]></text>',
    '<?pi {text}?>',
    '<{text}/>',
  ];
  for (const inside of nowhere) t.equal(filled(svg(inside), 'x'), undefined, inside);
  t.equal(filled('<!DOCTYPE svg [<!ENTITY a "{text}">]><svg/>', 'x'), undefined);
  t.end();
});

t.test('nothing in a text is anything but letters', (t) => {
  for (const text of [
    '</text><image href="file:///etc/passwd"/>',
    '&amp;',
    '$&$1',
    '{text}',
    ']]>',
    `"'`,
    '',
  ]) {
    const made = filled('<svg><text>{text}</text></svg>', text) ?? '';
    const [, inside = '-'] = /^<svg><text>(.*)<\/text><\/svg>$/.exec(made) ?? [];
    t.notMatch(inside, /[<>"']|&(?!#\d+;)/, text);
    const read = inside.replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)));
    t.equal(read, text);
  }
  t.end();
});

t.test('a template in another encoding is one too, and one without end ends', (t) => {
  const svg = '<?xml version="1.0" encoding="utf-16"?><svg><text>{text}</text></svg>';
  const wide = Buffer.from(`\uFEFF${svg}`, 'utf16le');
  t.match(fillTemplate(wide, '€')?.toString(), /<text>€<\/text>/);
  for (const piece of ['<!--', '<![CDATA[', '<?', '<a "', "<a '", '<', '{text}<'])
    t.type(fillTemplate(Buffer.from(`<svg>${piece.repeat(5000)}`), 'x') ?? Buffer.alloc(0), Buffer, piece);
  t.end();
});
