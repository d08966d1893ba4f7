import { encode as encodeBlurHash } from 'blurhash';
import { rgbaToThumbHash } from 'thumbhash';
import type { Raw } from './pipeline.ts';
import { fromRaw } from './pipeline.ts';

export type PlaceholderKind = 'thumbhash' | 'blurhash' | 'lqip' | 'color';

async function shrunk(raw: Raw, side: number): Promise<Raw> {
  const { data, info } = await fromRaw(raw)
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 4 };
}

/** Bits of a channel that decide which colours count as one. */
const ALIKE_BITS = 4;

/**
 * `#rrggbb` of the most frequent colour: the mean of the pixels that are most often alike, so that what is one colour all
 * over stays that colour (sharp gives the middle of those that it counts as one: #f8f8f8 for white). Transparent parts count
 * as white.
 */
async function dominant(raw: Raw): Promise<string> {
  const flat = fromRaw(await shrunk(raw, 64)).flatten({ background: '#ffffff' });
  const { data, info } = await flat.raw().toBuffer({ resolveWithObject: true });
  const groups = new Map<number, { count: number; sums: [number, number, number] }>();
  for (let at = 0; at < data.length; at += info.channels) {
    const [r = 0, g = 0, b = 0] = data.subarray(at, at + 3);
    const kind = [r, g, b].reduce((key, band) => (key << ALIKE_BITS) | (band >> (8 - ALIKE_BITS)), 0);
    const { count, sums } = groups.get(kind) ?? { count: 0, sums: [0, 0, 0] };
    groups.set(kind, { count: count + 1, sums: [sums[0] + r, sums[1] + g, sums[2] + b] });
  }
  const [most] = [...groups.values()].sort((one, other) => other.count - one.count);
  const { count = 1, sums = [255, 255, 255] } = most ?? {};
  return `#${sums
    .map((sum) =>
      Math.round(sum / count)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

/** Detail of a BlurHash by shape: about twelve components, more along the longer side. */
function components({ width, height }: Raw): [number, number] {
  if (width > height * 1.2) return [4, 3];
  return height > width * 1.2 ? [3, 4] : [4, 4];
}

/**
 * A few bytes that stand for a picture until it is there.
 *
 * @param raw  sRGB pixels of the picture, of any size
 * @returns    thumbhash: Base64; blurhash: its text; lqip: `data:image/webp;base64,…`; color: `#rrggbb`
 * @see        https://evanw.github.io/thumbhash/ and https://blurha.sh
 */
export async function placeholder(kind: PlaceholderKind, raw: Raw): Promise<string> {
  if (kind === 'color') return dominant(raw);
  if (kind === 'lqip') {
    const tiny = await fromRaw(await shrunk(raw, 24))
      .webp({ quality: 40, effort: 4 })
      .toBuffer();
    return `data:image/webp;base64,${tiny.toString('base64')}`;
  }
  if (kind === 'thumbhash') {
    const { data, width, height } = await shrunk(raw, 100);
    return Buffer.from(rgbaToThumbHash(width, height, data)).toString('base64');
  }
  const { width, height, ...small } = await shrunk(raw, 64);
  // A BlurHash knows no alpha: what clear pixels hide would show in it.
  const flat = fromRaw({ ...small, width, height })
    .flatten({ background: '#ffffff' })
    .ensureAlpha();
  const data = await flat.raw().toBuffer();
  const [across, down] = components(raw);
  return encodeBlurHash(new Uint8ClampedArray(data), width, height, across, down);
}
