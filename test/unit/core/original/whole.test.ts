import sharp from 'sharp';
import t from 'tap';
import { checkWhole } from '../../../../server/core/original/whole.ts';
import { corpus, corpusRows } from '../../../support/corpus.ts';
import { shownInPart } from '../../../support/cuts.ts';
import { difference, drawn, picture, pixels } from '../../../support/pictures.ts';

/** Position of a marker of a JPEG, in its header. */
function markerIn(jpeg: Buffer, marker: number): number {
  for (let start = 2; jpeg[start] === 0xff; start += 2 + jpeg.readUInt16BE(start + 2))
    if (jpeg[start + 1] === marker) return start;
  throw new RangeError(`no marker ${marker}`);
}

const inserted = (bytes: Buffer, place: number, more: readonly number[]): Buffer =>
  Buffer.concat([bytes.subarray(0, place), Buffer.from(more), bytes.subarray(place)]);

function patched(bytes: Buffer, place: number, values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, place);
  return copy;
}

const [SOS, DQT, APP0] = [0xda, 0xdb, 0xe0];
const JFIF = [0xff, APP0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 72, 0, 72, 0, 0];

/** What cameras and editors write, and every browser shows; libjpeg warns of each. */
const ODD: Readonly<Record<string, (jpeg: Buffer) => Buffer>> = {
  'scan parameters 0, 0 in baseline': (jpeg) => patched(jpeg, markerIn(jpeg, SOS) + 11, [0, 0, 0]),
  'stray bytes before a marker': (jpeg) => inserted(jpeg, markerIn(jpeg, DQT), [0, 0, 0, 0]),
  'JFIF 3.01': (jpeg) => patched(jpeg, markerIn(jpeg, APP0) + 9, [3, 1]),
  'a JFIF thumbnail that is not there': (jpeg) => patched(jpeg, markerIn(jpeg, APP0) + 16, [1, 1]),
  'an Adobe segment that breaks off': (jpeg) => inserted(jpeg, 2, [0xff, 0xee, 0, 7, 65, 100, 111, 98, 101]),
};

t.test('a warning is no damage: what cameras write is shown whole', async (t) => {
  const scene = await drawn(96, 64, (x, y) => [x * 2, 255 - y * 3, (x * y) % 90]);
  const plain = inserted(await sharp(scene).jpeg({ quality: 92 }).toBuffer(), 2, JFIF);
  const expected = await pixels((await picture(plain, 'fmt=png')).bytes);
  for (const [name, odd] of Object.entries(ODD)) {
    const shown = await pixels((await picture(odd(plain), 'fmt=png')).bytes);
    t.ok(difference(shown, expected) < 0.5, name);
  }
});

t.test('a JPEG without its end is cut: nobody can tell how much is missing (T.81, B.2.1)', async (t) => {
  const scene = await drawn(96, 64, (x, y) => [x * 2, 255 - y * 3, (x * y) % 90]);
  for (const progressive of [false, true]) {
    const whole = await sharp(scene).jpeg({ progressive }).toBuffer();
    t.same([...whole.subarray(-2)], [0xff, 0xd9]);
    await t.rejects(picture(whole.subarray(0, -2), 'fmt=png'), { code: 'damaged_source' });
    t.ok(await picture(Buffer.concat([whole, Buffer.alloc(7)]), 'fmt=png'), 'what follows it is no matter');
  }
});

t.test('a cut file is refused, or is whole', async (t) => {
  const rows = corpusRows().filter(({ file }) => !/^(bombs|corrupt|svg)/.test(file));
  const kinds = Map.groupBy(rows, ({ format }) => format);
  for (const [format, files] of kinds) {
    const small = files.filter(({ bytes }) => Number(bytes) < 60_000).slice(0, format === 'gif' ? 9 : 5);
    for (const { file } of small)
      t.same((await shownInPart(await corpus(file), [0.4, 0.9, -2])) ?? [], [], file);
  }
});

t.test('a TIFF whose profile is cut off is not shown in other colours', async (t) => {
  t.same(await shownInPart(await corpus('colour/cmyk-fogra39.tif'), [0.4, -1]), []);
});

t.test('a GIF may lack its trailer, an AVIF may end with zeros', async (t) => {
  const gif = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#789' } })
    .gif()
    .toBuffer();
  checkWhole('gif', gif.subarray(0, -1));
  checkWhole('gif', Buffer.concat([gif, Buffer.alloc(9, 7)]));
  t.throws(() => checkWhole('gif', gif.subarray(0, -3)), { code: 'damaged_source' });
  t.throws(() => checkWhole('gif', gif.subarray(0, 9)), { code: 'damaged_source' });
  const avif = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#789' } })
    .avif()
    .toBuffer();
  checkWhole('avif', avif);
  checkWhole('avif', Buffer.concat([avif, Buffer.alloc(5)]));
  t.throws(() => checkWhole('avif', avif.subarray(0, -1)), { code: 'damaged_source' });
  t.throws(() => checkWhole('avif', patched(avif, 0, [0, 0, 0, 7])), { code: 'damaged_source' });
});
