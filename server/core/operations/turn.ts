import type { OperationStep } from './operation.ts';
import { choice, integer, operation } from './operation.ts';

export const turn = operation({
  name: 'turn',
  group: 'size',
  summary: 'Turns the picture clockwise, then mirrors it.',
  params: {
    rot: integer({
      min: 0,
      max: 359,
      fallback: '0',
      aliases: ['rotate'],
      label: 'Rotate',
      doc: 'Degrees, clockwise; corners show bg.',
    }),
    flip: choice(['h', 'v', 'hv'], {
      others: { vh: 'hv' },
      label: 'Mirror',
      doc: 'Mirror left to right (h), top to bottom (v), or both; after rot.',
    }),
  },
  example: 'w=160&rot=15&flip=h&bg=ffd700',
  steps: ({ rot = 0, flip }, { background, alpha }) => {
    // Quarter turns and their mirrors are part of the geometry: they cost nothing there.
    if (rot % 90 === 0) return [];
    const color = background ?? (alpha ? '#00000000' : '#ffffff');
    const steps: OperationStep[] = [
      {
        name: `rotate by ${rot} degrees`,
        slot: 'rotate',
        opens: color.length > 7,
        apply: (image) => image.rotate(rot, { background: color }),
        // As libvips rounds the box around the turned corners (vips__transform_set_area).
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
    if (flip) {
      const [across, down] = [flip.includes('h'), flip.includes('v')];
      steps.push({
        name: `mirror ${flip}`,
        slot: 'flip',
        apply: (image) => image.flop(across).flip(down),
        cost: 2,
      });
    }
    return steps;
  },
});
