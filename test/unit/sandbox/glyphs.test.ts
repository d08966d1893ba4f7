import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { fontFolders } from '../../../server/sandbox/fonts.ts';
import { readCoverage } from '../../../server/sandbox/glyphs.ts';

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
    t.teardown(() => rm(folder, { recursive: true }));
    t.equal(await has([folder, join(folder, 'none')], 'aÜ'), '');
    const font = join(OWN, 'DejaVuSansMono.ttf');
    await writeFile(join(folder, 'broken.ttf'), Buffer.from('00010000ffff0000', 'hex'));
    await writeFile(join(folder, 'empty.otf'), '');
    await mkdir(join(folder, 'deep'));
    await cp(font, join(folder, 'deep', 'mono.TTF'));
    t.equal(await has([folder], 'aÜ你'), 'aÜ');
  },
);
