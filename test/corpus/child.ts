/**
 * Renders every file of the manifest in a process of its own, since a decoder that breaks takes the process along.
 * Prints one line of JSON per file; starts behind the file that is given as argument.
 */
import sharp from 'sharp';
import { isProblem } from '../../server/shared/errors.ts';
import type { Told } from '../support/color-arithmetic.ts';
import { inSrgb } from '../support/color-arithmetic.ts';
import { corpus, corpusRows } from '../support/corpus.ts';
import { difference, picture, pixels } from '../support/pictures.ts';
import type { Outcome } from './outcome.ts';

sharp.cache(false);
sharp.concurrency(1);

/** librsvg reads UTF-8 alone. */
function inUtf8(bytes: Buffer): Buffer {
  const [, label] = /^<\?xml[^>]* encoding="(windows-\d+)"/i.exec(bytes.toString('latin1', 0, 100)) ?? [];
  return label ? Buffer.from(new TextDecoder(label).decode(bytes).replace(label, 'utf-8'), 'utf8') : bytes;
}

/** Files that tell their colours outside ICC, which sharp does not read, and what is told. */
const TOLD: Readonly<Record<string, Told>> = {
  'colour/16bit-alpha.png': { space: 'srgb', transfer: 1 },
  'colour/16bit-flag.png': { space: 'srgb', transfer: 2.2 },
  'formats/p3pq-10bit.avif': { space: 'p3', transfer: 'pq' },
  'formats/pngsuite-basi6a16.png': { space: 'srgb', transfer: 1 },
  'formats/pngsuite-basn0g01.png': { space: 'srgb', transfer: 1 },
  'formats/pngsuite-basn3p04.png': { space: 'srgb', transfer: 1 },
  'formats/pngsuite-bgai4a16.png': { space: 'srgb', transfer: 1 },
  'formats/pngsuite-cs3n2c16.png': { space: 'srgb', transfer: 1 },
  'formats/pngsuite-oi9n2c16.png': { space: 'srgb', transfer: 1 },
  'formats/pngsuite-s33n3p04.png': { space: 'srgb', transfer: 1 },
  'formats/pngsuite-tbbn2c16.png': { space: 'srgb', transfer: 1 },
};

/** The same picture in the numbers of sRGB. */
async function inSrgbNumbers(bytes: Buffer, told: Told): Promise<Buffer> {
  const image = sharp(bytes, { ignoreIcc: true }).toColourspace('rgb16').ensureAlpha();
  const { data, info } = await image.raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const shown = Buffer.alloc(width * height * 4);
  for (let index = 0; index < shown.length; index += 4) {
    const code = (band: number) => data.readUInt16LE((index + band) * 2) / 65_535;
    shown.set([...inSrgb([code(0), code(1), code(2)], told).map(Math.round), code(3) * 255], index);
  }
  return sharp(shown, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
}

/** sharp goes by the major brand, and knows that of a still picture alone. */
function asStill(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 4, 12) !== 'ftypavis') return bytes;
  const copy = Buffer.from(bytes);
  copy.write('avif', 8, 'latin1');
  return copy;
}

const legible = (stored: Buffer): Buffer => asStill(inUtf8(stored));

/** What sharp itself makes of the file on the same px, damage ignored: the picture as such, not how it is encoded. */
async function reference(stored: Buffer, width: number, height: number): Promise<Buffer> {
  const bytes = legible(stored);
  const image = sharp(bytes, { failOn: 'none', limitInputPixels: false, page: 0, autoOrient: true });
  const { hasProfile } = await image.metadata();
  const sized = image.resize(width, height, { fit: 'fill' });
  // Named since sharp leaves 16-bit pictures with a profile in P3 otherwise.
  return (hasProfile ? sized.withIccProfile('srgb', { attach: false }) : sized).png().toBuffer();
}

async function outcomeOf(file: string): Promise<Omit<Outcome, 'file' | 'ms' | 'rss'>> {
  const bytes = await corpus(file);
  try {
    const result = await picture(bytes, 'w=64&anim=0&fmt=png');
    const shown = await pixels(result.bytes);
    const { autoOrient } = await sharp(legible(bytes), {
      failOn: 'none',
      limitInputPixels: false,
    }).metadata();
    const told = TOLD[file];
    const plain = told ? await inSrgbNumbers(bytes, told) : bytes;
    const expected = await pixels(await reference(plain, shown.width, shown.height));
    return {
      width: shown.width,
      height: shown.height,
      upright: { width: autoOrient.width, height: autoOrient.height },
      type: result.contentType,
      off: difference(shown, expected),
    };
  } catch (error) {
    return isProblem(error) ? { code: error.code, detail: error.detail } : { crash: String(error) };
  }
}

const rows = corpusRows();
const start = rows.findIndex(({ file }) => file === process.argv[2]) + 1;
for (const { file } of rows.slice(start)) {
  process.stdout.write(`${JSON.stringify({ file, started: true })}\n`);
  const began = performance.now();
  const outcome = await outcomeOf(file);
  const rss = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(`${JSON.stringify({ file, ...outcome, ms: performance.now() - began, rss })}\n`);
}
