import type { Grammar } from '../query/rule.ts';
import { operation, param } from './operation.ts';

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Fractions of the upright image instead of its pixels. */
  readonly relative: boolean;
}

const AT: Grammar = ['int', 0, 65_500];
const SIDE: Grammar = ['int', 1, 65_500];
const SHARE_AT: Grammar = ['dec', 0, 1];
const SHARE: Grammar = ['dec', 0.001, 1];

function readRect(text: string): Rect {
  const relative = text.startsWith('r');
  const [left = 0, top = 0, width = 1, height = 1] = text
    .split(',')
    .slice(relative ? 1 : 0)
    .map(Number);
  return { left, top, width, height, relative };
}

export const rect = operation({
  name: 'rect',
  group: 'size',
  summary: 'Cuts a region out of the upright image, before all else.',
  params: {
    rect: param(
      [
        ['list', [AT, AT, SIDE, SIDE]],
        ['list', [SHARE_AT, SHARE_AT, SHARE, SHARE], 'r'],
      ],
      readRect,
      {
        aliases: ['extract'],
        fallback: 'r,0,0,1,1',
        unset: 'all of it',
        label: 'Crop rectangle',
        doc: 'Region in px of the original, or in fractions after r; clamped to the image (X-Image-Warning says so).',
      },
    ),
  },
  example: 'rect=r,0.25,0.25,0.5,0.5&w=160',
});
