import { choice, operation } from './operation.ts';

export const orient = operation({
  name: 'orient',
  group: 'size',
  summary: 'EXIF orientation, applied before every other step.',
  params: {
    orient: choice(['auto', '0'], {
      fallback: 'auto',
      label: 'Orientation',
      doc: 'auto turns the picture upright; 0 leaves the pixels as stored.',
    }),
  },
  example: 'w=160&orient=0',
});
