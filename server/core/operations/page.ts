import { choice, integer, operation } from './operation.ts';

/** Counting from 0. */
export const pageAsked = ({ page: number = 1 }: { readonly page?: number }): number => number - 1;

export const page = operation({
  name: 'page',
  group: 'format',
  summary: 'Which page or frame is read, and whether a moving picture keeps moving.',
  params: {
    page: integer({
      min: 1,
      max: 1000,
      fallback: '1',
      never: ['page anim=1'],
      label: 'Page or frame',
      doc: 'Page of a TIFF, frame of a GIF or WebP; counting from 1.',
    }),
    anim: choice(['auto', '0', '1'], {
      fallback: 'auto',
      never: ['anim=1 fmt=jpeg', 'anim=1 fmt=png', 'anim=1 fmt=avif'],
      idle: ['page', 'ph', 'fmt=jpeg', 'fmt=png', 'fmt=avif'],
      label: 'Animation',
      doc: 'Animation: kept when the original moves and the format can (auto), never (0), or in a format that can (1).',
    }),
  },
  example: 'w=160&page=2',
});
