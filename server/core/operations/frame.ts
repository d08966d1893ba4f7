import { color, operation, param, readHex } from './operation.ts';

interface Sides {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

function readSides(text: string): Sides {
  const [top = 0, right = top, bottom = top, left = top] = text.split(',').map(Number);
  return { top, right, bottom, left };
}

const extend = (name: string, sides: Sides, background: string) =>
  ({
    name,
    slot: 'extend',
    opens: background.length > 7,
    apply: (image: import('sharp').Sharp) => image.extend({ ...sides, background }),
    resized: ({ width, height }: { width: number; height: number }) => ({
      width: width + sides.left + sides.right,
      height: height + sides.top + sides.bottom,
    }),
    cost: 3,
  }) as const;

export const pad = operation({
  name: 'pad',
  group: 'frame',
  summary: 'Space around the result, in bg.',
  params: {
    pad: param([['sides', 1000]], readSides, {
      fallback: '0',
      label: 'Padding',
      doc: 'CSS px, or top,right,bottom,left.',
    }),
  },
  example: 'w=140&pad=10&bg=ffd700',
  steps: ({ pad }, { background, alpha }) =>
    pad ? [extend('pad', pad, background ?? (alpha ? '#00000000' : '#ffffff'))] : [],
});

export const border = operation({
  name: 'border',
  group: 'frame',
  summary: 'A frame of one colour, outside pad.',
  params: {
    border: param(
      [['list', [['int', 1, 1000, 1], ['color']]]],
      (text) => {
        const [width = '0', hex = ''] = text.split(',');
        return { sides: readSides(width), color: readHex(hex) };
      },
      { label: 'Border', doc: 'px,colour.' },
    ),
  },
  example: 'w=150&border=5,2e8b57',
  steps: ({ border }) => (border ? [extend('border', border.sides, border.color)] : []),
});

export const bg = operation({
  name: 'bg',
  group: 'frame',
  summary: 'What lies behind alpha, letterbox and padding.',
  params: {
    bg: color({
      aliases: ['background'],
      fallback: 'transparent',
      unset: 'transparent where the format has alpha, else ffffff',
      idle: ['bg=ffffff fmt=jpeg', 'ph=color bg=ffffff'],
      label: 'Background',
      doc: 'Colour.',
    }),
  },
  example: 'w=160&h=160&fit=contain&bg=1b1464',
});
