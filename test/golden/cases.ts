import { OPERATIONS } from '../../server/core/operations/index.ts';
import type { Operation } from '../../server/core/operations/operation.ts';
import { corpus } from '../support/corpus.ts';
import { drawn } from '../support/pictures.ts';

/** One picture to compare: an operation's own example, or a query that shows what examples do not. */
export interface Case {
  readonly name: string;
  readonly query: string;
  readonly source: () => Promise<Buffer>;
}

const parrots = () => corpus('photos/kodim23.png');

/** A disc on a plain ground with a border to trim. */
const bordered = () =>
  drawn(200, 150, (x, y) => ((x - 110) ** 2 + (y - 70) ** 2 < 1600 ? [200, 30 + y, 40] : [240, 240, 235]));

/** Where the parrots do not show the operation. */
const SOURCES: Readonly<Record<string, () => Promise<Buffer>>> = {
  orient: () => corpus('exif/landscape-6.jpg'),
  page: () => corpus('animated/red-blue.gif'),
  trim: bordered,
  icc: () => corpus('colour/p3-bars.png'),
};

const MORE: readonly (Omit<Case, 'source'> & { readonly source?: () => Promise<Buffer> })[] = [
  { name: 'cover at a focal point', query: 'w=120&h=120&fit=cover&fp=0.2,0.6&zoom=2' },
  { name: 'cover by attention', query: 'w=90&h=120&fit=cover&g=attention' },
  { name: 'fill', query: 'w=120&h=120&fit=fill' },
  { name: 'outside', query: 'w=120&h=120&fit=outside' },
  { name: 'ratio alone', query: 'ar=2:1&g=se' },
  {
    name: 'quarter turn and mirror behind a letterbox',
    query: 'w=160&h=160&fit=contain&rot=90&flip=v&bg=gold',
  },
  {
    name: 'colours, filters, corners, padding and border',
    query: 'w=150&sat=40&sepia=50&blur=1&r=30&pad=8&border=3,1b1464&bg=ffd700&fmt=jpeg',
  },
  { name: 'see-through background', query: 'w=160&h=160&fit=contain&bg=ff000080&fmt=png' },
  {
    name: 'alpha on white in JPEG',
    query: 'w=160&fmt=jpeg',
    source: () => corpus('samples/transparency-demo.png'),
  },
  { name: 'alpha in WebP', query: 'w=160&fmt=webp', source: () => corpus('samples/transparency-demo.png') },
  {
    name: 'moving picture to WebP',
    query: 'w=160&fmt=webp',
    source: () => corpus('samples/cat-trotting.gif'),
  },
  {
    name: 'moving picture with corners, filter and mark',
    query: 'w=160&r=20&gray&blur=1&wm=sample&fmt=gif',
    source: () => corpus('samples/cat-trotting.gif'),
  },
  { name: 'second mark', query: 'w=160&wm=sample&wm2=sample&wm2g=nw&wm2s=40&wm2o=60' },
  { name: 'tiled mark', query: 'w=160&wm=sample&wmt=1&wmo=40' },
  { name: 'drawing enlarged', query: 'w=640&fmt=png', source: () => corpus('samples/drop-shadow.svg') },
  { name: 'CMYK', query: 'w=160&fmt=jpeg', source: () => corpus('samples/cmyk-small.jpg') },
  { name: 'sixteen colours', query: 'w=160&colors=16&fmt=png' },
];

export const CASES: readonly Case[] = [
  ...OPERATIONS.flatMap((operation: Operation): Case[] =>
    operation.example
      ? [{ name: operation.name, query: operation.example, source: SOURCES[operation.name] ?? parrots }]
      : [],
  ),
  ...MORE.map((entry) => ({ source: parrots, ...entry })),
];
