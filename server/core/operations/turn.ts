import { choice, integer, operation } from '../operation.ts';

export const rot = operation({
  name: 'rot',
  summary: 'Turns the picture clockwise.',
  params: {
    rot: integer({
      min: 0,
      max: 359,
      fallback: '0',
      aliases: ['rotate'],
      doc: 'Degrees, clockwise; corners show bg.',
    }),
  },
  example: 'w=160&rot=15&bg=ffd700',
  steps: ({ rot }, { background, alpha }) => {
    // Quarter turns are part of the geometry: they cost nothing there.
    if (!rot || rot % 90 === 0) return [];
    const color = background ?? (alpha ? '#00000000' : '#ffffff');
    return [
      {
        name: `rotate by ${rot} degrees`,
        slot: 'rotate',
        apply: (image) => image.rotate(rot, { background: color }),
        resized: ({ width, height }) => {
          const angle = (rot * Math.PI) / 180;
          const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
          return {
            width: Math.round(width * cos + height * sin),
            height: Math.round(width * sin + height * cos),
          };
        },
        cost: 12,
      },
    ];
  },
});

export const flip = operation({
  name: 'flip',
  summary: 'Mirrors the picture, after rot.',
  params: {
    flip: choice(['h', 'v', 'hv'], {
      others: { vh: 'hv' },
      doc: 'Left to right (h), top to bottom (v), or both.',
    }),
  },
  example: 'w=160&flip=h',
});
