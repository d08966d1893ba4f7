import type { Sharp } from 'sharp';
import type { OperationStep } from './operation.ts';
import { color, decimal, flag, integer, operation, param } from './operation.ts';

const PERCENT = { min: -100, max: 100, fallback: '0' } as const;

/** Shares of the pixels that may become black and white, as sharp's normalise() has them. */
const [DARKEST, LIGHTEST] = [0.01, 0.99];

/** Darkest and lightest level of what can be seen, of 0 to 100; a clear pixel has a colour as well. */
async function seenRange(image: Sharp): Promise<[number, number] | undefined> {
  const lab = image.clone().toColourspace('lab').ensureAlpha().raw({ depth: 'float' });
  const { buffer, byteOffset, byteLength } = await lab.toBuffer();
  const pixels = new Float32Array(buffer, byteOffset, byteLength / 4);
  const counts = new Float64Array(101);
  let seen = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    if ((pixels[at + 3] ?? 0) < 1) continue;
    const level = Math.min(100, Math.max(0, Math.floor(pixels[at] ?? 0)));
    counts[level] = (counts[level] ?? 0) + 1;
    seen += 1;
  }
  // As coarse as libvips (vips_percent), so that a picture is not another one for a clear pixel at its edge.
  const levels = counts.findLastIndex((count) => count > 0) + 1;
  const levelOf = (share: number) => {
    let below = 0;
    const found = counts.findIndex((count) => {
      below += count;
      return Math.floor((below * (levels - 1)) / seen) >= share * levels;
    });
    return found < 0 ? levels : found;
  };
  const [low, high] = [levelOf(DARKEST), levelOf(LIGHTEST)];
  return high - low > 1 ? [low, high] : undefined;
}

const stretched: OperationStep['apply'] = async (image, size, next) => {
  const held = await next(image, size);
  const [low, high] = (await seenRange(held)) ?? [0, 100];
  const slope = 100 / (high - low);
  return slope === 1 ? held : held.modulate({ brightness: slope, lightness: -low * slope });
};

export const norm = operation({
  name: 'norm',
  group: 'colour',
  summary: 'Stretches the luminance over the whole range.',
  params: {
    norm: flag({ aliases: ['normalize'], label: 'Stretch the tones', doc: 'Stretch the luminance.' }),
  },
  example: 'w=160&norm',
  steps: ({ norm }, { clear }) => {
    if (!norm) return [];
    const step = { name: 'normalise', cost: 20 } as const;
    return clear
      ? [{ ...step, slot: 'modulate', apply: stretched }]
      : [{ ...step, slot: 'normalise', apply: (image) => image.normalise() }];
  },
});

export const gam = operation({
  name: 'gam',
  group: 'colour',
  summary: 'Gamma: above 1 the middle tones become lighter.',
  params: {
    gam: decimal({
      min: 1,
      max: 3,
      fallback: '1',
      aliases: ['gamma'],
      label: 'Gamma',
      doc: 'Gamma; above 1 is lighter.',
    }),
  },
  example: 'w=160&gam=1.8',
  steps: ({ gam }) =>
    gam ? [{ name: `gamma ${gam}`, slot: 'gamma', apply: (image) => image.gamma(1, gam), cost: 8 }] : [],
});

export const modulate = operation({
  name: 'modulate',
  group: 'colour',
  summary: 'Brightness, saturation and hue.',
  params: {
    bri: integer({ ...PERCENT, label: 'Brightness', doc: 'Brightness in percent.' }),
    sat: integer({ ...PERCENT, label: 'Saturation', doc: 'Saturation in percent; -100 is grey.' }),
    hue: integer({
      min: 0,
      max: 359,
      fallback: '0',
      idle: ['sat=-100'],
      label: 'Hue',
      doc: 'Turns the hue, in degrees.',
    }),
  },
  example: 'w=160&bri=10&sat=40&hue=30',
  steps: ({ bri, sat, hue }) => {
    if (!bri && !sat && !hue) return [];
    const options = {
      ...(bri ? { brightness: 1 + bri / 100 } : {}),
      ...(sat ? { saturation: 1 + sat / 100 } : {}),
      ...(hue ? { hue } : {}),
    };
    return [
      {
        name: 'brightness, saturation, hue',
        slot: 'modulate',
        apply: (image) => image.modulate(options),
        cost: 30,
      },
    ];
  },
});

export const con = operation({
  name: 'con',
  group: 'colour',
  summary: 'Contrast around middle grey.',
  params: { con: integer({ ...PERCENT, label: 'Contrast', doc: 'Contrast in percent; -100 is flat grey.' }) },
  example: 'w=160&con=40',
  steps: ({ con }) => {
    if (!con) return [];
    const slope = 1 + con / 100;
    return [
      {
        name: `contrast ${con}`,
        slot: 'linear',
        apply: (image) => image.linear(slope, 128 * (1 - slope)),
        cost: 4,
      },
    ];
  },
});

export const gray = operation({
  name: 'gray',
  group: 'colour',
  summary: 'Shades of grey.',
  params: {
    gray: flag({
      aliases: ['grayscale', 'greyscale'],
      // Both begin with shades of grey.
      idle: ['duo !sepia !tint', 'thr !sepia !tint'],
      label: 'Black and white',
      doc: 'Shades of grey.',
    }),
  },
  example: 'w=160&gray',
  steps: ({ gray }) => (gray ? [greyscale] : []),
});

// Rec. 709 luma as a matrix: greyscale() would leave one band and lose the alpha between two passes.
const LUMA: [number, number, number] = [0.2126, 0.7152, 0.0722];
const greyscale = {
  name: 'greyscale',
  slot: 'recomb',
  apply: (image: Sharp) => image.recomb([LUMA, LUMA, LUMA]),
  cost: 6,
} as const;

/**
 * A line over shades of grey, which are whole levels by then: a fraction of one would be a grey in what is to be black
 * and white, and `gray` before it, which rounds, would make another picture.
 */
const overLevels =
  (slope: number | number[], offset: number | number[]): OperationStep['apply'] =>
  async (image, size, next) =>
    (await next(image, size)).linear(slope, offset);

// W3C Filter Effects, sepia: https://www.w3.org/TR/filter-effects-1/#sepiaEquivalent
const SEPIA = [
  [0.393, 0.769, 0.189],
  [0.349, 0.686, 0.168],
  [0.272, 0.534, 0.131],
] as const;

export const sepia = operation({
  name: 'sepia',
  group: 'colour',
  summary: 'Old brown photograph.',
  params: {
    sepia: integer({ min: 0, max: 100, fallback: '0', label: 'Sepia', doc: 'Strength in percent.' }),
  },
  example: 'w=160&sepia=80',
  steps: ({ sepia }) => {
    if (!sepia) return [];
    const share = sepia / 100;
    const mix = (row: 0 | 1 | 2): [number, number, number] => {
      const at = (column: 0 | 1 | 2) => SEPIA[row][column] * share + (row === column ? 1 - share : 0);
      return [at(0), at(1), at(2)];
    };
    return [
      {
        name: `sepia ${sepia}`,
        slot: 'recomb',
        exceeds: true,
        apply: (image) => image.recomb([mix(0), mix(1), mix(2)]),
        cost: 6,
      },
    ];
  },
});

export const tint = operation({
  name: 'tint',
  group: 'colour',
  summary: 'Gives every pixel the hue of one colour and keeps its lightness.',
  params: { tint: color({ opaque: true, label: 'Tint', doc: 'Colour.' }) },
  example: 'w=160&tint=2e8b57',
  steps: ({ tint }) =>
    tint ? [{ name: `tint ${tint}`, slot: 'tint', apply: (image) => image.tint(tint), cost: 25 }] : [],
});

const bands = (hex: string): [number, number, number] => {
  const at = (place: number) => Number.parseInt(hex.slice(place, place + 2), 16);
  return [at(1), at(3), at(5)];
};

export const duo = operation({
  name: 'duo',
  group: 'colour',
  summary: 'Two colours: one for the shadows, one for the lights.',
  params: {
    duo: param(
      [
        [
          'list',
          [
            ['color', 1],
            ['color', 1],
          ],
        ],
      ],
      (text) => {
        const [dark = '', light = ''] = text.split(',');
        return { dark: bands(`#${dark}`), light: bands(`#${light}`) };
      },
      { aliases: ['duotone'], label: 'Duotone', doc: 'dark,light colours.' },
    ),
  },
  example: 'w=160&duo=1b1464,f9f871',
  steps: ({ duo }) => {
    if (!duo) return [];
    const { dark, light } = duo;
    const slope = ([0, 1, 2] as const).map((band) => (light[band] - dark[band]) / 255);
    return [greyscale, { name: 'duotone', slot: 'linear', apply: overLevels(slope, dark), cost: 8 }];
  },
});

export const inv = operation({
  name: 'inv',
  group: 'colour',
  summary: 'Negative; alpha stays.',
  params: { inv: flag({ aliases: ['negate'], label: 'Negative', doc: 'Negative.' }) },
  example: 'w=160&inv',
  // Not negate(): the fractions that recomb leaves come out black there (sharp 0.35.5: gray with negate).
  steps: ({ inv }) =>
    inv ? [{ name: 'negative', slot: 'linear', apply: (image) => image.linear(-1, 255), cost: 4 }] : [],
});

export const thr = operation({
  name: 'thr',
  group: 'colour',
  summary: 'Black and white at a threshold; alpha stays.',
  params: {
    thr: integer({
      min: 0,
      max: 255,
      aliases: ['threshold'],
      label: 'Threshold',
      doc: 'Lightness from which a pixel is white.',
    }),
  },
  example: 'w=160&thr=128',
  // threshold() would cut the alpha as well; luma and a line from 0 to 255 within half a level do the same to the colours alone.
  steps: ({ thr }) =>
    thr === undefined
      ? []
      : [
          greyscale,
          {
            name: `threshold ${thr}`,
            slot: 'linear',
            apply: overLevels(512, -512 * (thr - 0.5)),
            cost: 8,
          },
        ],
});
