import { choice, decimal, flag, integer, operation, param } from './operation.ts';

export const MAX_SIDE = 8192;

/** Both sides known, so that there is a box which the picture may miss. */
const BOX = 'w h';
const CROPS = ['w h fit=cover', 'ar'];

function readPair(text: string): { readonly x: number; readonly y: number } {
  const [x = 0, y = 0] = text.split(',').map(Number);
  return { x, y };
}

export const COMPASS = ['center', 'n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const;
export const SIDES_AS_COMPASS = { top: 'n', right: 'e', bottom: 's', left: 'w' } as const;

export const resize = operation({
  name: 'resize',
  group: 'size',
  summary: 'Size of the result and how the picture meets it.',
  params: {
    w: integer({
      min: 1,
      max: MAX_SIDE,
      px: true,
      aliases: ['width'],
      label: 'Width',
      doc: 'Width in CSS px.',
    }),
    h: integer({
      min: 1,
      max: MAX_SIDE,
      px: true,
      aliases: ['height'],
      label: 'Height',
      doc: 'Height in CSS px.',
    }),
    ar: param(
      [['ratio', 0.01, 100]],
      (text) => {
        const [width = 1, height = 1] = text.split(':').map(Number);
        return width / height;
      },
      {
        never: ['ar w h'],
        label: 'Aspect ratio',
        doc: 'Aspect ratio: computes the missing side; without w and h the picture is cropped to it.',
      },
    ),
    fit: choice(['inside', 'cover', 'contain', 'fill', 'outside'], {
      others: {
        clip: 'inside',
        max: 'inside',
        'scale-down': 'inside',
        crop: 'cover',
        pad: 'contain',
        scale: 'fill',
        force: 'fill',
        stretch: 'fill',
        squeeze: 'fill',
        min: 'cover',
      },
      fallback: 'inside',
      needs: [BOX, 'ar'],
      idle: ['ar fit=cover', 'ar fit=outside'],
      label: 'Fit',
      doc: 'How the picture meets the box; has a meaning with both sides or with ar.',
    }),
    g: choice([...COMPASS, 'entropy', 'attention', 'focal'], {
      others: { ...SIDES_AS_COMPASS, smart: 'attention' },
      aliases: ['gravity', 'position', 'crop'],
      fallback: 'focal',
      unset: 'focal where the image has a stored focal point, else center',
      needs: [...CROPS, 'w h fit=contain'],
      idle: ['ar fit=fill', ...['center', 'entropy', 'attention'].map((other) => `fit=contain g=${other}`)],
      label: 'What a crop keeps',
      doc: 'What a crop keeps, or where fit=contain puts the picture.',
    }),
    fp: param(
      [
        [
          'list',
          [
            ['dec', 0, 1],
            ['dec', 0, 1],
          ],
        ],
      ],
      readPair,
      {
        unset: 'the stored point',
        needs: CROPS,
        idle: ['ar fit=fill', 'ar fit=contain'],
        never: ['fp g'],
        label: 'Focal point',
        doc: 'Focal point x,y of the upright image.',
      },
    ),
    zoom: decimal({
      min: 1,
      max: 10,
      fallback: '1',
      needs: CROPS,
      idle: ['ar fit=fill', 'ar fit=contain'],
      never: ['zoom g=entropy', 'zoom g=attention'],
      label: 'Zoom into the crop',
      doc: 'Tightens a crop.',
    }),
    dpr: param([['density', 0.5, 5]], Number, {
      fallback: '1',
      label: 'Pixel density',
      doc: 'Device pixel ratio, rounded up to quarters and to at least 1: multiplies every value in px.',
    }),
    up: flag({
      aliases: ['enlarge'],
      needs: ['w', 'h', 'ar zoom'],
      label: 'Enlarge',
      doc: 'Allow enlarging; without it a crop keeps its aspect and shrinks the box.',
    }),
  },
  example: 'w=160&h=160&fit=cover',
});
