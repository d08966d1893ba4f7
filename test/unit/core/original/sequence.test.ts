import sharp from 'sharp';
import t from 'tap';
import { clearingToTransparent } from '../../../../server/core/original/gif.ts';
import { corpus } from '../../../support/corpus.ts';
import { drawn, off, picture, pixels } from '../../../support/pictures.ts';

t.test('APNG and AVIF sequences give their first frame and say so', async (t) => {
  for (const file of ['animated/ball.apng.png', 'animated/seq.avif']) {
    const bytes = await corpus(file);
    for (const query of ['fmt=webp', 'fmt=png', 'w=20&fmt=avif'])
      t.same((await picture(bytes, query)).warnings, ['first-frame-only'], `${file} ${query}`);
    t.same((await picture(bytes, 'anim=0&fmt=webp')).warnings, [], 'not asked for');
    t.same((await picture(bytes, 'ph=color')).warnings, []);
  }
  t.match((await picture(await corpus('animated/seq.avif'), 'fmt=png')).size, { width: 150, height: 150 });
  const still = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#789' } })
    .avif()
    .toBuffer();
  t.same((await picture(still, 'fmt=png')).warnings, []);
});

t.test('a GIF clears to transparent behind a frame that asks for it', async (t) => {
  const file = await corpus('animated/dispose-bgnd-rgba.gif');
  const { bytes } = await picture(file, 'fmt=webp&lossless');
  const frame = async (page: number) => pixels(bytes, { page });
  // Frame 2 lies on 5,10 with 32 px a side and is given back; what was below it goes with it.
  t.equal((await frame(1)).at(20, 25)[3], 255);
  for (const page of [2, 3]) t.equal((await frame(page)).at(20, 25)[3], 0, `frame ${page + 1}`);
  t.equal((await frame(3)).at(40, 40)[3], 0, 'the one behind it as well');
  t.ok(off((await frame(2)).at(2, 2), [135, 206, 235, 255]) < 3, 'beside them it is as before');
});

/** Flags of the graphic control extensions of a GIF. */
const controls = (gif: Buffer): number[] => {
  const found: number[] = [];
  for (
    let start = gif.indexOf('21f904', 0, 'hex');
    start >= 0;
    start = gif.indexOf('21f904', start + 1, 'hex')
  )
    found.push(start + 3);
  return found;
};

/** Two frames without a transparent colour, the first of which is to be cleared. */
async function cleared(colors: number): Promise<Buffer> {
  const frame = (shift: number) =>
    drawn(32, 32, (x, y) => [(x * 8 + shift) % 256, y * 8, (x * y + shift) % 256]);
  const gif = await sharp([await frame(0), await frame(90)], { join: { animated: true } })
    .gif({ colours: colors, dither: 0, interFrameMaxError: 0 })
    .toBuffer();
  for (const place of controls(gif)) gif[place] = ((gif[place] ?? 0) & ~0x1d) | (2 << 2);
  return gif;
}

/** Pictures that lie in the corner of a screen of 12 x 12 px and have no transparent colour. */
async function cornered(frames: number): Promise<Buffer> {
  const strip = await drawn(8, 8 * frames, (x, y) => [x * 30, (y % 8) * 30, Math.floor(y / 8) * 99]);
  const raw = await sharp(strip).raw().toBuffer();
  const gif = await sharp(raw, { raw: { width: 8, height: 8 * frames, channels: 3, pageHeight: 8 } })
    .gif({ dither: 0, interFrameMaxError: 0 })
    .toBuffer();
  gif.writeUInt16LE(12, 6);
  gif.writeUInt16LE(12, 8);
  for (const place of controls(gif)) gif[place] = (gif[place] ?? 0) & ~1;
  return gif;
}

t.test('what no frame of a GIF covers is transparent, as browsers show it, and not black', async (t) => {
  const still = await cornered(1);
  const [place = 0] = controls(still);
  const old = place ? Buffer.concat([still.subarray(0, place - 3), still.subarray(place + 5)]) : still;
  old.write('GIF87a', 'latin1');
  for (const gif of [still, await cornered(3), old]) {
    const shown = await pixels((await picture(gif, 'fmt=webp&lossless')).bytes);
    t.equal(shown.at(10, 10)[3], 0);
    t.ok(off(shown.at(3, 4), [90, 120, 0, 255]) < 12, String(shown.at(3, 4)));
    const flat = await pixels((await picture(gif, 'fmt=jpeg&q=95')).bytes);
    t.ok(off(flat.at(10, 10).slice(0, 3), [255, 255, 255]) < 12, String(flat.at(10, 10)));
  }
});

t.test('the colour that stands for transparent is one that no pixel has', async (t) => {
  for (const colors of [2, 16, 64, 128, 200, 256]) {
    const gif = await cleared(colors);
    const changed = Buffer.from(clearingToTransparent(gif));
    const first = await pixels(changed);
    t.same(first.data, (await pixels(gif)).data, `${colors} colours: the first frame is the same`);
    const flags = controls(changed).map((place) => (changed[place] ?? 0) & 1);
    t.ok(colors === 256 || flags.every((flag) => flag === 1), `${colors}: ${flags}`);
  }
  const plain = await corpus('animated/squares.gif');
  t.equal(clearingToTransparent(Buffer.alloc(3)).length, 3);
  t.ok(plain.length > 0);
});
