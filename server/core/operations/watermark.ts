import type { Sharp } from 'sharp';
import type { Size } from './operation.ts';
import { choice, flag, integer, type OperationStep, operation, param } from './operation.ts';
import { COMPASS, SIDES_AS_COMPASS } from './resize.ts';

/** A registered name: of a preset, a watermark or a key. */
export const NAME = '[A-Za-z0-9][A-Za-z0-9_-]{0,63}';

interface Mark {
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
  if (!mark.isTiled)
    return image.composite([{ input: data, raw, ...place(frame, info, mark.gravity, mark.inset) }]);
  const gap = bounded(mark.inset, frame);
  const tile = await tileOf(open(data, { raw }), { frame, mark: info, gap });
  return image.composite([{ ...tile, tile: true, gravity: 'northwest' }]);
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

type MarkKey = 'wm' | 'wm2';
const NAMES = { wm: 'the mark', wm2: 'the second mark' } as const;

const gravityOf = (mark: MarkKey) =>
  choice(COMPASS, {
    others: SIDES_AS_COMPASS,
    fallback: 'se',
    needs: [mark],
    idle: [`${mark}t`],
    label: `Position of ${NAMES[mark]}`,
    doc: 'Where the mark stands.',
  });

const opacityOf = (mark: MarkKey) =>
  integer({
    min: 1,
    max: 100,
    fallback: '100',
    needs: [mark],
    label: `Opacity of ${NAMES[mark]}`,
    doc: 'Opacity in percent.',
  });

const shareOf = (mark: MarkKey) =>
  integer({
    min: 1,
    max: 100,
    fallback: '20',
    needs: [mark],
    label: `Size of ${NAMES[mark]}`,
    doc: 'Width in percent of the picture.',
  });

const insetOf = (mark: MarkKey) =>
  integer({
    min: 0,
    max: 4000,
    px: true,
    fallback: '16',
    scaled: 1,
    needs: [mark],
    idle: [`${mark}g=center`],
    label: `Distance of ${NAMES[mark]}`,
    doc: 'Distance from the edge, or between tiles, in CSS px; at most an eighth of the shorter side.',
  });

const tilingOf = (mark: MarkKey) =>
  flag({
    needs: [mark],
    label: `Tiles of ${NAMES[mark]}`,
    doc: 'Lays the mark all over the picture, side by side.',
  });

/** base64url of 1 to 200 bytes, without padding, and without bits that no byte has: one spelling each. */
const TEXT = [
  '(?:[A-Za-z0-9_-]{4}){1,66}',
  '(?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-][AQgw]',
  '(?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]',
] as const;

const textOf = (mark: MarkKey) =>
  param(
    TEXT.map((pattern) => ['text', pattern] as const),
    (text) => text,
    {
      needs: [mark],
      label: `Text on ${NAMES[mark]}`,
      doc: 'Text of a mark that is a template, base64url of 1 to 200 bytes of UTF-8; in signed URLs only.',
    },
  );

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const NO_TEXT = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;

/** The text of a `wmx`; undefined for bytes that are no UTF-8, and for control characters. */
export function readMarkText(base64url: string): string | undefined {
  try {
    const bytes = Buffer.from(base64url, 'base64url');
    // A mark of the byte order is a character here, which nobody sees.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return NO_TEXT.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Measured beside a picture of 1 MP: 15 for a mark in a corner, 24 for tiles. */
const [MARK_COST, TILES_COST] = [15, 24];

interface Settings {
  readonly gravity?: Mark['gravity'] | undefined;
  readonly opacity?: number | undefined;
  readonly share?: number | undefined;
  readonly inset?: number | undefined;
  readonly isTiled?: boolean | undefined;
  readonly text?: string | undefined;
}

function markSteps(
  name: string | undefined,
  bytes: Uint8Array | undefined,
  { gravity = 'se', opacity = 100, share = 20, inset = 16, isTiled = false, text = '' }: Settings,
): OperationStep[] {
  if (!name || !bytes) return [];
  const mark = { bytes, gravity, opacity, share, inset, isTiled };
  return [
    {
      name: `watermark ${name} ${text}`.trim(),
      slot: 'composite',
      apply: (image, size) => stamp(image, size, mark),
      cost: isTiled ? TILES_COST : MARK_COST,
    },
  ];
}

export const watermark = operation({
  name: 'watermark',
  group: 'effects',
  summary:
    'Puts a registered mark on the picture. An SVG with `{text}` in a text of its own is a template: `wmx` says what stands there.',
  params: {
    wm: param([['text', NAME]], (text) => text, {
      label: 'Watermark',
      doc: 'Name of a registered watermark; never a URL.',
    }),
    wmg: gravityOf('wm'),
    wmo: opacityOf('wm'),
    wms: shareOf('wm'),
    wmp: insetOf('wm'),
    wmt: tilingOf('wm'),
    wmx: textOf('wm'),
  },
  example: 'w=160&wm=sample',
  variations: ['w=160&wm=sample&wmt=1&wmo=40', 'w=160&wm=price&wmx=MTkuOTAg4oKs&wms=50'],
  steps: (
    { wm, wmg: gravity, wmo: opacity, wms: share, wmp: inset, wmt: isTiled, wmx: text },
    { watermark: bytes },
  ) => markSteps(wm, bytes, { gravity, opacity, share, inset, isTiled, text }),
});

export const watermark2 = operation({
  name: 'watermark2',
  group: 'effects',
  summary: 'Puts a second registered mark on the picture, above the first.',
  params: {
    wm2: param([['text', NAME]], (text) => text, {
      needs: ['wm'],
      label: 'Second watermark',
      doc: 'Name of a registered watermark, beside `wm`.',
    }),
    wm2g: gravityOf('wm2'),
    wm2o: opacityOf('wm2'),
    wm2s: shareOf('wm2'),
    wm2p: insetOf('wm2'),
    wm2t: tilingOf('wm2'),
    wm2x: textOf('wm2'),
  },
  example: 'w=160&wm=sample&wm2=sample&wm2g=nw&wm2s=40&wm2o=60',
  steps: (
    { wm2, wm2g: gravity, wm2o: opacity, wm2s: share, wm2p: inset, wm2t: isTiled, wm2x: text },
    { watermark2: bytes },
  ) => markSteps(wm2, bytes, { gravity, opacity, share, inset, isTiled, text }),
});
