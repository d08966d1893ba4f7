import sharp from 'sharp';
import { codecLoss } from '../../server/core/original/loss.ts';
import { contentBox } from '../../server/core/render/content-box.ts';
import { openOriginal } from '../../server/core/render/render.ts';
import type { Kind, TrimPicture } from './trim-pictures.ts';
import { KINDS, reach, SIDES, sidesOf, trimPicture } from './trim-pictures.ts';

/**
 * What is content of a lossy picture (docs/quality.md): it differed by so many levels from the background, in luma or in
 * colour as its pixels are kept, and the file still shows it above the tolerance.
 */
export const CONTENT = { luma: 64, colour: 128 } as const;
const TOLERANCE = 10;

export const SAMPLINGS = ['4:4:4', '4:2:0', 'webp'] as const;
export interface Coding {
  readonly sampling: (typeof SAMPLINGS)[number];
  readonly quality: number;
}

export const openPicture = ({ data }: TrimPicture) => sharp(data, { raw: { ...SIDES, channels: 3 } });

export function encoded(picture: TrimPicture, { sampling, quality }: Coding): Promise<Buffer> {
  const image = openPicture(picture);
  const coded =
    sampling === 'webp' ? image.webp({ quality }) : image.jpeg({ quality, chromaSubsampling: sampling });
  return coded.toBuffer();
}

/** Differences from the background in luma and in both colours (BT.601, full range). */
function differencesAt({ data, background }: TrimPicture, x: number, y: number): [number, number, number] {
  const pixel = (y * SIDES.width + x) * 3;
  const [red, green, blue] = background.map((band, index) => (data[pixel + index] ?? 0) - band);
  const [r, g, b] = [red ?? 0, green ?? 0, blue ?? 0];
  return [
    0.299 * r + 0.587 * g + 0.114 * b,
    -0.168736 * r - 0.331264 * g + 0.5 * b,
    0.5 * r - 0.418688 * g - 0.081312 * b,
  ];
}

/** Half the pixels of colour: what a codec of 4:2:0 is given is the mean of four. */
function keptColour(picture: TrimPicture, isHalved: boolean, x: number, y: number): number {
  const [, ...own] = differencesAt(picture, x, y);
  const all = Math.max(...own.map(Math.abs));
  if (!isHalved) return all;
  const [column, row] = [x & ~1, y & ~1];
  const sums = [0, 0];
  for (const [dx, dy] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    const [, blue, red] = differencesAt(picture, column + dx, row + dy);
    sums[0] = (sums[0] ?? 0) + blue / 4;
    sums[1] = (sums[1] ?? 0) + red / 4;
  }
  return Math.min(all, Math.max(...sums.map(Math.abs)));
}

/** px by which the box of a file cuts its content, and by which it reaches beyond all that was drawn. */
export async function measured(
  picture: TrimPicture,
  file: Buffer,
  isHalved: boolean,
  least: { readonly luma: number; readonly colour: number } = CONTENT,
): Promise<{ readonly cut: number; readonly wide: number }> {
  const data = await sharp(file).toColourspace('srgb').ensureAlpha().raw().toBuffer();
  const border = data.subarray(0, 4);
  const loss = codecLoss((await openOriginal(file)).source, file);
  const noise = loss && { ...loss, left: 0, top: 0 };
  const box = contentBox({ data, ...SIDES }, { threshold: TOLERANCE, border, noise });
  const isShown = (x: number, y: number) =>
    [0, 1, 2].some((band) => {
      const value = data[(y * SIDES.width + x) * 4 + band] ?? 0;
      return Math.abs(value - (border[band] ?? 0)) > TOLERANCE;
    });
  const content = sidesOf((x, y) => {
    if (!isShown(x, y)) return false;
    const [luma] = differencesAt(picture, x, y);
    return Math.abs(luma) >= least.luma || keptColour(picture, isHalved, x, y) >= least.colour;
  });
  if (!box) return { cut: content ? Number.POSITIVE_INFINITY : 0, wide: 0 };
  const sides = [box.left, box.top, box.left + box.width, box.top + box.height] as const;
  const drawn = sidesOf((x, y) => differencesAt(picture, x, y).some((difference) => difference !== 0));
  return {
    cut: content ? Math.max(0, reach(content, sides)) : 0,
    wide: drawn ? reach(sides, drawn) : Number.POSITIVE_INFINITY,
  };
}

/**
 * Whether a file that cuts content is as much the file of a picture that has none there: what it decodes to, coded anew,
 * is the same bytes. So nothing that reads it can tell whether the content was drawn; the rule for content is above the
 * noise of the codec there.
 */
export async function isUndecided(picture: TrimPicture, file: Buffer, coding: Coding): Promise<boolean> {
  const twin = { ...picture, data: await sharp(file).toColourspace('srgb').removeAlpha().raw().toBuffer() };
  if (!file.equals(await encoded(twin, coding))) return false;
  return (await measured(twin, file, coding.sampling !== '4:4:4')).cut === 0;
}

export interface Miss extends Coding {
  readonly kind: Kind;
  readonly seed: number;
  readonly cut: number;
  readonly wide: number;
  /** See isUndecided. */
  readonly isUndecided: boolean;
}

/** Those of a range of seeds whose box cuts content, or is more than 2 px larger on a side. */
export async function missesOf(
  seeds: readonly number[],
  codingOf: (seed: number, kind: Kind) => Coding,
): Promise<Miss[]> {
  const misses: Miss[] = [];
  for (const kind of KINDS)
    for (const seed of seeds) {
      const picture = await trimPicture(kind, seed);
      const coding = codingOf(seed, kind);
      const file = await encoded(picture, coding);
      const { cut, wide } = await measured(picture, file, coding.sampling !== '4:4:4');
      if (cut > 0 || wide > 2) {
        const undecided = wide <= 2 && (await isUndecided(picture, file, coding));
        misses.push({ ...coding, kind, seed, cut, wide, isUndecided: undecided });
      }
    }
  return misses;
}
