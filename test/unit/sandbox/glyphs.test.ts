import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { fontFolders } from '../../../server/sandbox/fonts.ts';
import { readCoverage } from '../../../server/sandbox/glyphs.ts';
import { removeFolder } from '../../support/folders.ts';

const [OWN = ''] = fontFolders(undefined);
const has = async (folders: readonly string[], letters: string) => {
  const hasGlyph = await readCoverage(folders);
  return [...letters].filter((letter) => hasGlyph(letter.codePointAt(0) ?? 0)).join('');
};

t.test(
  'the fonts that are always there have the letters of Europe and the signs of mathematics',
  async (t) => {
    // What fc-query says of the same files; U+1D49C needs format 12, the others are in format 4.
    t.equal(await has([OWN], 'aÜéßЖΩا→√𝒜你한नि'), 'aÜéßЖΩا→√𝒜');
  },
);

t.test(
  'a folder of no fonts, and one that is not there, have nothing; a broken font is passed over',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'glyphs-'));
    t.teardown(() => removeFolder(folder));
    t.equal(await has([folder, join(folder, 'none')], 'aÜ'), '');
    const font = join(OWN, 'DejaVuSansMono.ttf');
    await writeFile(join(folder, 'broken.ttf'), Buffer.from('00010000ffff0000', 'hex'));
    await writeFile(join(folder, 'empty.otf'), '');
    await mkdir(join(folder, 'deep'));
    await cp(font, join(folder, 'deep', 'mono.TTF'));
    t.equal(await has([folder], 'aÜ你'), 'aÜ');
  },
);

/**
 * A font of a character map alone (OpenType, `cmap`, format 4), of all letters of a plane from 0x4e00 on. Fonts name a
 * table several times, once for each platform.
 */
function fontOfAll(platforms: number): Buffer {
  const words = (...values: number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
  const four = words(4, 24, 0, 2, 0, 0, 0, 0xfffe, 0, 0x4e00, 1, 0);
  const start = 4 + 8 * platforms;
  const records = Array.from({ length: platforms }, () => words(0, 3, 0, start));
  const map = Buffer.concat([words(0, platforms), ...records, four]);
  return Buffer.concat([
    words(1, 0, 1, 0, 0, 0),
    Buffer.from('cmap'),
    words(0, 0, 0, 28, 0, map.length),
    map,
  ]);
}

t.test('a font of many thousand letters is read, as those of Chinese and emoji are', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'glyphs-'));
  t.teardown(() => removeFolder(folder));
  await writeFile(join(folder, 'all.ttf'), fontOfAll(8));
  const hasGlyph = await readCoverage([folder]);
  t.ok(hasGlyph(0x4e00) && hasGlyph(0x9fff) && hasGlyph(0xfffe));
  t.notOk(hasGlyph(0x4dff) || hasGlyph(0x1f680));
});
