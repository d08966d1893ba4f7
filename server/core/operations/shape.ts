import type { Size } from './operation.ts';
import { choice, operation, param } from './operation.ts';

const svg = ({ width, height }: Size, shape: string): Buffer =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shape}</svg>`);

/** Keeps what lies under the shape; the rest becomes transparent. */
const cut = (name: string, shape: (size: Size) => string) =>
  ({
    name,
    slot: 'composite',
    opens: true,
    apply: (image: import('sharp').Sharp, size: Size) =>
      image.ensureAlpha().composite([{ input: svg(size, shape(size)), blend: 'dest-in' }]),
    cost: 15,
  }) as const;

export const radius = operation({
  name: 'radius',
  group: 'frame',
  summary: 'Rounded corners; in a format without alpha they show bg.',
  params: {
    r: param(
      [
        ['int', 0, 4096, 1],
        ['enum', { $max: 'max' }],
      ],
      (text) => (text === 'max' ? 'max' : Number(text)),
      {
        fallback: '0',
        aliases: ['radius'],
        label: 'Rounded corners',
        doc: 'Radius in CSS px, or max for half the shorter side.',
      },
    ),
  },
  example: 'w=160&h=160&fit=cover&r=24',
  steps: ({ r }) =>
    r
      ? [
          cut('round the corners', ({ width, height }) => {
            const most = Math.min(width, height) / 2;
            return `<rect width="${width}" height="${height}" rx="${r === 'max' ? most : Math.min(r, most)}"/>`;
          }),
        ]
      : [],
});

export const mask = operation({
  name: 'mask',
  group: 'frame',
  summary: 'Cuts the picture to a shape.',
  params: { mask: choice(['ellipse'], { label: 'Shape', doc: 'Shape.' }) },
  example: 'w=160&mask=ellipse',
  steps: ({ mask }) =>
    mask
      ? [
          cut('mask', ({ width, height }) => {
            const [x, y] = [width / 2, height / 2];
            return `<ellipse cx="${x}" cy="${y}" rx="${x}" ry="${y}"/>`;
          }),
        ]
      : [],
});
