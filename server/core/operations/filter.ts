import type { BlurOptions } from 'sharp';
import { decimal, integer, operation } from './operation.ts';

export const median = operation({
  name: 'median',
  group: 'effects',
  summary: 'Removes specks.',
  params: {
    median: integer({
      min: 1,
      max: 15,
      fallback: '0',
      idle: ['median=1'],
      label: 'Remove specks',
      doc: 'Side of the window in pixels of the result, whatever `dpr`; 1 changes nothing.',
    }),
  },
  example: 'w=160&median=5',
  steps: ({ median }) =>
    median
      ? [
          {
            name: `median ${median}`,
            slot: 'median',
            // libvips refuses a window that is larger than the picture.
            apply: (image, { width, height }) => image.median(Math.min(median, width, height)),
            cost: 10 * median,
          },
        ]
      : [],
});

/**
 * sharp's own blur leaves out what weighs less than a fifth of the middle: a sixth of the width, and all that a sigma
 * of up to 0.5 does. With more of the bell, libvips' whole numbers make a plain 200 a 196. So floats do it, and
 * boxes where those would take long, which are no farther from the bell than rounding is.
 */
const bell = (sigma: number): BlurOptions => ({
  sigma,
  minAmplitude: 0.025,
  precision: sigma < 2 ? 'float' : 'approximate',
});

export const blur = operation({
  name: 'blur',
  group: 'effects',
  summary: 'Gaussian blur.',
  params: {
    blur: decimal({ min: 0.3, max: 100, px: true, fallback: '0', label: 'Blur', doc: 'Sigma in CSS px.' }),
  },
  example: 'w=160&blur=3',
  steps: ({ blur }) =>
    blur
      ? [
          {
            name: `blur ${blur}`,
            slot: 'blur',
            apply: (image) => image.blur(bell(blur)),
            cost: 30 + 2 * blur,
          },
        ]
      : [],
});

export const sharp = operation({
  name: 'sharp',
  group: 'effects',
  summary: 'Sharpens.',
  params: {
    sharp: decimal({
      min: 0.1,
      max: 10,
      fallback: '0',
      aliases: ['sharpen'],
      label: 'Sharpen',
      doc: 'Sigma in pixels of the result, whatever `dpr`.',
    }),
  },
  example: 'w=160&sharp=1.5',
  steps: ({ sharp }) =>
    sharp
      ? [
          {
            name: `sharpen ${sharp}`,
            slot: 'sharpen',
            apply: (image) => image.sharpen({ sigma: sharp }),
            cost: 25,
          },
        ]
      : [],
});

export const pix = operation({
  name: 'pix',
  group: 'effects',
  summary: 'Coarse blocks.',
  params: {
    pix: integer({
      min: 2,
      max: 100,
      px: true,
      fallback: '0',
      aliases: ['pixelate'],
      label: 'Pixelate',
      doc: 'Block in CSS px.',
    }),
  },
  example: 'w=160&pix=8',
  steps: ({ pix }) => {
    if (!pix) return [];
    const small = (side: number) => Math.max(1, Math.round(side / pix));
    return [
      {
        name: `blocks of ${pix} px`,
        slot: 'blocks',
        // Averages into blocks, then shows them: two passes, since sharp resizes once in a pipeline.
        apply: async (image, { width, height }, next) => {
          const blocks = { width: small(width), height: small(height) };
          const averaged = image.resize(blocks.width, blocks.height, { fit: 'fill', kernel: 'linear' });
          return (await next(averaged, blocks)).resize(width, height, { fit: 'fill', kernel: 'nearest' });
        },
        cost: 6,
      },
    ];
  },
});
