import type { OverlayOptions, Sharp } from 'sharp';
import type { Size } from './operation.ts';
import type { COMPASS } from './resize.ts';

/** A mark, and how it is laid on a picture. */
export interface Mark {
  readonly bytes: Uint8Array;
  readonly gravity: (typeof COMPASS)[number];
  readonly opacity: number;
  readonly share: number;
  readonly inset: number;
  readonly isTiled: boolean;
}

/** Of the shorter side, so that a mark stays in its corner on a small picture. */
const INSET_SHARE = 1 / 8;

const bounded = (distance: number, { width, height }: Size): number =>
  Math.min(distance, Math.round(Math.min(width, height) * INSET_SHARE));

/** Top left corner of a mark in a frame, for a compass direction. */
function place(
  frame: Size,
  mark: Size,
  gravity: Mark['gravity'],
  distance: number,
): { left: number; top: number } {
  const inset = bounded(distance, frame);
  const [right, bottom] = [frame.width - mark.width, frame.height - mark.height];
  const along = (most: number, low: boolean, high: boolean) =>
    Math.min(Math.max(low ? inset : high ? most - inset : Math.round(most / 2), 0), Math.max(0, most));
  const has = (side: string) => gravity !== 'center' && gravity.includes(side);
  return { left: along(right, has('w'), has('e')), top: along(bottom, has('n'), has('s')) };
}

/** What sharp lays on a frame. */
export async function overlay(frame: Size, mark: Mark): Promise<OverlayOptions> {
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
  if (!mark.isTiled) return { input: data, raw, ...place(frame, info, mark.gravity, mark.inset) };
  const gap = bounded(mark.inset, frame);
  const tile = await tileOf(open(data, { raw }), { frame, mark: info, gap });
  return { ...tile, tile: true, gravity: 'northwest' };
}

/** The mark with half of the gap on each side; no larger than the frame, which sharp would refuse. */
async function tileOf(
  image: Sharp,
  { frame, mark, gap }: { frame: Size; mark: Size; gap: number },
): Promise<{ input: Buffer; raw: { width: number; height: number; channels: 4 } }> {
  const before = Math.floor(gap / 2);
  const spaced = image.extend({
    top: before,
    left: before,
    bottom: gap - before,
    right: gap - before,
    background: { r: 0, g: 0, b: 0, alpha: 0 },
  });
  const [width, height] = [
    Math.min(frame.width, mark.width + gap),
    Math.min(frame.height, mark.height + gap),
  ];
  // Behind a pass of its own: a crop comes before what is added otherwise.
  const { data, info } = await spaced.raw().toBuffer({ resolveWithObject: true });
  const whole = { width: info.width, height: info.height, channels: 4 as const };
  const { default: open } = await import('sharp');
  const input = await open(data, { raw: whole }).extract({ left: 0, top: 0, width, height }).raw().toBuffer();
  return { input, raw: { width, height, channels: 4 } };
}
