import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import {
  angle,
  type Box,
  compose,
  inverse,
  type Turn,
  turnBox,
  turnSize,
  UPRIGHT,
} from '../core/geometry/turns.ts';
import type { Size } from '../core/operations/operation.ts';
import { primarySize } from '../core/original/avif.ts';
import { readExif, setUpright } from '../core/original/exif.ts';
import { pngChunk, profileBody, withPngChunks } from '../core/original/png.ts';
import { checkPixels, readSource, type Source } from '../core/original/source.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import type { HeifFacts, HeifPixels, HeifTransformation } from './heif.ts';
import { HeifFile } from './libheif.ts';
import type { AnswerOf, AsksOf } from './protocol.ts';

/**
 * What the header of a HEIC says, nothing being decoded; enough to price it by. Of a file that breaks off behind its header
 * it is the size alone.
 *
 * @throws Problem `damaged_source`, `unsupported_source`, `unrenderable`
 */
export function heicSource(bytes: Uint8Array): Source {
  try {
    return sourceOf(
      bytes,
      opening(() => new HeifFile(bytes, Number.MAX_SAFE_INTEGER).facts()),
    );
  } catch (error) {
    const size = isProblem(error) && error.code === 'damaged_source' ? primarySize(bytes) : undefined;
    if (!size) throw error;
    return readSource('heic', bytes.byteLength, size);
  }
}

/**
 * Decodes a HEIC to a PNG that has every pixel of it, in an upright place, and what it says of its colours and of itself.
 *
 * It lies in the folder that this process may write to.
 *
 * @param signal  fires when nobody waits for it any more, nor would remove it
 * @throws Problem `damaged_source`, `unsupported_source`, `too_many_pixels`, `unrenderable`
 */
export async function makeMaster(
  bytes: Uint8Array,
  { limits, fileName }: Pick<AsksOf<'master'>, 'limits' | 'fileName'>,
  signal: AbortSignal,
): Promise<AnswerOf<'master'>> {
  const file = opening(() => new HeifFile(bytes, limits.maxPixels));
  const facts = file.facts();
  const source = sourceOf(bytes, facts);
  checkPixels(source, 1, limits);
  const pixels = opening(() => file.decode(facts));
  const png = await laidOut(imageOf(pixels, facts), pixels, file.transformations())
    .png({ compressionLevel: 2, adaptiveFiltering: true })
    .toBuffer();
  signal.throwIfAborted();
  await writeFile(join(tmpdir(), fileName), withPngChunks(png, chunksOf(facts)), { mode: 0o644 });
  return { format: 'heic', firstOnly: source.firstOnly };
}

/** A decoder that runs out of its memory, or into a wall of it, ends with an error of WebAssembly. */
function opening<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isProblem(error)) throw error;
    throw new Problem('unrenderable', 'The HEIC made its decoder fail.', {}, error);
  }
}

function sourceOf(bytes: Uint8Array, facts: HeifFacts): Source {
  const { width, height, bits, isGrey, hasAlpha, hasSequence } = facts;
  const deep = isGrey ? 'grey16' : 'rgb16';
  return readSource('heic', bytes.byteLength, {
    width,
    height,
    hasAlpha,
    bitsPerSample: bits > 8 ? 16 : 8,
    space: bits > 8 ? deep : isGrey ? 'b-w' : 'srgb',
    firstOnly: hasSequence,
  });
}

function imageOf(pixels: HeifPixels, { isGrey, isPremultiplied }: HeifFacts): Sharp {
  const { width, height, channels, bits, bytes } = pixels;
  const samples =
    bits > 8 ? stretched(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), bits) : bytes;
  if (isPremultiplied && channels === 4) unmultiply(samples, bits > 8 ? 65_535 : 255);
  const raw = { width, height, channels };
  // Without a word on it sharp writes 8 bits, whatever it was given.
  if (!isGrey)
    return sharp(samples, { raw, limitInputPixels: false }).toColourspace(bits > 8 ? 'rgb16' : 'srgb');
  const grey = firstOf(samples, channels);
  return sharp(grey, {
    raw: { ...raw, channels: channels === 4 ? 2 : 1 },
    limitInputPixels: false,
  }).toColourspace(bits > 8 ? 'grey16' : 'b-w');
}

/** Upright and cropped, as the file says. */
function laidOut(image: Sharp, stored: Size, transformations: readonly HeifTransformation[]): Sharp {
  let box: Box = { left: 0, top: 0, width: stored.width, height: stored.height };
  let turn = UPRIGHT;
  for (const transformation of transformations) {
    if ('crop' in transformation) {
      const frame = turnSize(box, turn);
      const within = turnBox(boxOf(transformation.crop(frame), frame), frame, inverse(turn));
      box = { ...within, left: box.left + within.left, top: box.top + within.top };
    } else turn = compose(turn, turnOf(transformation));
  }
  const upright = turn.flop ? image.extract(box).flop() : image.extract(box);
  return turn.angle ? upright.rotate(turn.angle) : upright;
}

function turnOf(transformation: Exclude<HeifTransformation, { crop: unknown }>): Turn {
  if ('clockwise' in transformation) return { flop: false, angle: angle(transformation.clockwise) };
  return { flop: true, angle: transformation.mirror === 'left-right' ? 0 : 180 };
}

function boxOf(
  { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number },
  frame: Size,
): Box {
  const [width, height] = [frame.width - left - right, frame.height - top - bottom];
  if (Math.min(left, top, right, bottom) < 0 || width < 1 || height < 1)
    throw new Problem('damaged_source', 'The HEIC is to be cropped to what lies outside of it.');
  return { left, top, width, height };
}

/** To all of 16 bits, so that white stays white. */
function stretched(samples: Uint16Array<ArrayBuffer>, bits: number): Uint16Array<ArrayBuffer> {
  const [up, down] = [16 - bits, 2 * bits - 16];
  for (let index = 0; index < samples.length; index += 1) {
    const sample = samples[index] ?? 0;
    samples[index] = (sample << up) | (sample >> down);
  }
  return samples;
}

/** Straight alpha (ISO/IEC 23008-12, `prem`). */
function unmultiply(samples: Uint8Array | Uint16Array, white: number): void {
  for (let index = 0; index + 3 < samples.length; index += 4) {
    const alpha = samples[index + 3] ?? 0;
    if (alpha === 0 || alpha === white) continue;
    for (let band = index; band < index + 3; band += 1)
      samples[band] = Math.min(white, Math.round(((samples[band] ?? 0) * white) / alpha));
  }
}

/** Of three bands that are alike the first, and alpha. */
function firstOf<T extends Uint8Array | Uint16Array>(samples: T, channels: 3 | 4): Uint8Array | Uint16Array {
  const bands = channels === 4 ? 2 : 1;
  const length = (samples.length / channels) * bands;
  const grey = samples instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
  for (let pixel = 0; pixel * channels < samples.length; pixel += 1) {
    grey[pixel * bands] = samples[pixel * channels] ?? 0;
    if (bands === 2) grey[pixel * bands + 1] = samples[pixel * channels + 3] ?? 0;
  }
  return grey;
}

/** The profile says it where there is one; code points that say sRGB, or nothing, need no chunk. */
function chunksOf({ profile, cicp, exif, xmp }: HeifFacts): Buffer[] {
  const chunks: Buffer[] = [];
  if (profile) chunks.push(pngChunk('iCCP', profileBody(profile)));
  else if (cicp && !(cicp.primaries === UNSPECIFIED && cicp.transfer === UNSPECIFIED)) {
    chunks.push(pngChunk('cICP', Buffer.from([cicp.primaries, cicp.transfer, 0, 1])));
    if (cicp.peak !== undefined) chunks.push(pngChunk('cLLI', lightLevel(cicp.peak)));
  }
  const tags = exif && exifOf(exif);
  if (tags) chunks.push(pngChunk('eXIf', tags));
  if (xmp) chunks.push(pngChunk('iTXt', Buffer.concat([Buffer.from(XMP_HEAD, 'latin1'), xmp])));
  return chunks;
}

const UNSPECIFIED = 2;
/** Keyword, not compressed, no language, no translation (PNG, 11.3.3.4; XMP, part 3). */
const XMP_HEAD = 'XML:com.adobe.xmp\0\0\0\0\0';

function lightLevel(peak: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32BE(Math.min(0xffff_ffff, Math.round(peak * 10_000)));
  return body;
}

/**
 * The TIFF behind the offset that a block begins with (ISO/IEC 23008-12, A.2.1). Its orientation counts for nothing where
 * transformations are said (A.2.4), and is made the one that the picture has.
 */
function exifOf(block: Buffer): Buffer | undefined {
  if (block.length < 8) return undefined;
  const tags = block.subarray(4 + block.readUInt32BE(0));
  const directory = readExif(tags);
  if (!directory) return undefined;
  setUpright(directory);
  return directory.tiff;
}
