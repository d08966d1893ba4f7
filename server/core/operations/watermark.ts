import type { Sharp } from 'sharp';
import type { Size } from './operation.ts';
import { choice, integer, operation, param } from './operation.ts';
import { COMPASS, SIDES_AS_COMPASS } from './resize.ts';

/** A registered name: of a preset, a watermark or a key. */
export const NAME = '[A-Za-z0-9][A-Za-z0-9_-]{0,63}';

interface Mark {
  readonly bytes: Uint8Array;
  readonly gravity: (typeof COMPASS)[number];
  readonly opacity: number;
  readonly share: number;
  readonly inset: number;
}

/** Of the shorter side, so that a mark stays in its corner on a small picture. */
const INSET_SHARE = 1 / 8;

/** Top left corner of a mark in a frame, for a compass direction. */
function place(
  frame: Size,
  mark: Size,
  gravity: Mark['gravity'],
  distance: number,
): { left: number; top: number } {
  const inset = Math.min(distance, Math.round(Math.min(frame.width, frame.height) * INSET_SHARE));
  const [right, bottom] = [frame.width - mark.width, frame.height - mark.height];
  const along = (most: number, low: boolean, high: boolean) =>
    Math.min(Math.max(low ? inset : high ? most - inset : Math.round(most / 2), 0), Math.max(0, most));
  const has = (side: string) => gravity !== 'center' && gravity.includes(side);
  return { left: along(right, has('w'), has('e')), top: along(bottom, has('n'), has('s')) };
}

async function stamp(image: Sharp, frame: Size, mark: Mark): Promise<Sharp> {
  const { default: open } = await import('sharp');
  const width = Math.max(1, Math.round((frame.width * mark.share) / 100));
  const { data, info } = await open(mark.bytes)
    .autoOrient()
    .resize({ width, height: frame.height, fit: 'inside' })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const fade = Math.round((mark.opacity / 100) * 255);
  if (fade < 255)
    for (let offset = 3; offset < data.length; offset += 4)
      data[offset] = Math.round(((data[offset] ?? 0) * fade) / 255);
  const raw = { width: info.width, height: info.height, channels: info.channels };
  return image.composite([{ input: data, raw, ...place(frame, info, mark.gravity, mark.inset) }]);
}

export const watermark = operation({
  name: 'watermark',
  group: 'effects',
  summary: 'Puts a registered mark on the picture.',
  params: {
    wm: param([['text', NAME]], (text) => text, {
      label: 'Watermark',
      doc: 'Name of a registered watermark; never a URL.',
    }),
    wmg: choice(COMPASS, {
      others: SIDES_AS_COMPASS,
      fallback: 'se',
      needs: ['wm'],
      label: 'Position of the mark',
      doc: 'Where the mark stands.',
    }),
    wmo: integer({
      min: 1,
      max: 100,
      fallback: '100',
      needs: ['wm'],
      label: 'Opacity of the mark',
      doc: 'Opacity in percent.',
    }),
    wms: integer({
      min: 1,
      max: 100,
      fallback: '20',
      needs: ['wm'],
      label: 'Size of the mark',
      doc: 'Width in percent of the picture.',
    }),
    wmp: integer({
      min: 0,
      max: 4000,
      px: true,
      fallback: '16',
      scaled: 1,
      needs: ['wm'],
      idle: ['wmg=center'],
      label: 'Distance of the mark',
      doc: 'Distance from the edge in CSS px; at most an eighth of the shorter side.',
    }),
  },
  example: 'w=160&wm=sample',
  steps: ({ wm, wmg = 'se', wmo = 100, wms = 20, wmp = 16 }, { watermark: bytes }) =>
    wm && bytes
      ? [
          {
            name: `watermark ${wm}`,
            slot: 'composite',
            apply: (image, size) =>
              stamp(image, size, { bytes, gravity: wmg, opacity: wmo, share: wms, inset: wmp }),
            cost: 15,
          },
        ]
      : [],
});
