import { operation, param } from './operation.ts';

export const trim = operation({
  name: 'trim',
  group: 'size',
  summary: 'Cuts a uniform border.',
  params: {
    trim: param(
      [
        ['int', 1, 99],
        ['flag', '10'],
      ],
      Number,
      {
        fallback: '0',
        label: 'Trim the border',
        doc: 'Tolerance; a bare trim means 10.',
      },
    ),
  },
  example: 'trim&w=160',
});
