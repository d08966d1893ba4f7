import { choice, flag, integer, type OperationStep, operation, param } from './operation.ts';
import { type Mark, overlay } from './overlay.ts';
import { COMPASS, SIDES_AS_COMPASS } from './resize.ts';

/** A registered name: of a preset, a watermark or a key. */
export const NAME = '[A-Za-z0-9][A-Za-z0-9_-]{0,63}';

type MarkKey = 'wm' | 'wm2';
const NAMES = { wm: 'the mark', wm2: 'the second mark' } as const;

const gravityOf = (mark: MarkKey) =>
  choice(COMPASS, {
    others: SIDES_AS_COMPASS,
    fallback: 'se',
    needs: [mark],
    idle: [`${mark}t`],
    label: `Position of ${NAMES[mark]}`,
    doc: 'Where the mark stands.',
  });

const opacityOf = (mark: MarkKey) =>
  integer({
    min: 1,
    max: 100,
    fallback: '100',
    needs: [mark],
    label: `Opacity of ${NAMES[mark]}`,
    doc: 'Opacity in percent.',
  });

const shareOf = (mark: MarkKey) =>
  integer({
    min: 1,
    max: 100,
    fallback: '20',
    needs: [mark],
    label: `Size of ${NAMES[mark]}`,
    doc: 'Width in percent of the picture.',
  });

const insetOf = (mark: MarkKey) =>
  integer({
    min: 0,
    max: 4000,
    px: true,
    fallback: '16',
    scaled: 1,
    needs: [mark],
    idle: [`${mark}g=center`],
    label: `Distance of ${NAMES[mark]}`,
    doc: 'Distance from the edge, or between tiles, in CSS px; at most an eighth of the shorter side.',
  });

const tilingOf = (mark: MarkKey) =>
  flag({
    needs: [mark],
    label: `Tiles of ${NAMES[mark]}`,
    doc: 'Lays the mark all over the picture, side by side.',
  });

/** base64url of 1 to 200 bytes, without padding, and without bits that no byte has: one spelling each. */
const TEXT = [
  '(?:[A-Za-z0-9_-]{4}){1,66}',
  '(?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-][AQgw]',
  '(?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]',
] as const;

const textOf = (mark: MarkKey) =>
  param(
    TEXT.map((pattern) => ['text', pattern] as const),
    (text) => text,
    {
      needs: [mark],
      label: `Text on ${NAMES[mark]}`,
      doc: 'Text of a mark that is a template, base64url of 1 to 200 bytes of UTF-8; in signed URLs only.',
    },
  );

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const NO_TEXT = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;

/** The text of a `wmx`; undefined for bytes that are no UTF-8, and for control characters. */
export function readMarkText(base64url: string): string | undefined {
  try {
    const bytes = Buffer.from(base64url, 'base64url');
    // A mark of the byte order is a character here, which nobody sees.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return NO_TEXT.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Measured beside a picture of 1 MP: 15 for a mark in a corner, 24 for tiles. */
const [MARK_COST, TILES_COST] = [15, 24];

interface Settings {
  readonly gravity?: Mark['gravity'] | undefined;
  readonly opacity?: number | undefined;
  readonly share?: number | undefined;
  readonly inset?: number | undefined;
  readonly isTiled?: boolean | undefined;
  readonly text?: string | undefined;
}

/** A mark that is there, and what tells it from others. */
interface Named {
  readonly name: string;
  readonly mark: Mark;
}

function named(
  name: string | undefined,
  bytes: Uint8Array | undefined,
  { gravity = 'se', opacity = 100, share = 20, inset = 16, isTiled = false, text = '' }: Settings,
): Named[] {
  if (!name || !bytes) return [];
  return [{ name: `${name} ${text}`.trim(), mark: { bytes, gravity, opacity, share, inset, isTiled } }];
}

/** All marks in one pass, the first lowest. */
function markSteps(marks: readonly Named[]): OperationStep[] {
  if (marks.length === 0) return [];
  return [
    {
      name: `watermark ${marks.map(({ name }) => name).join(' + ')}`,
      slot: 'composite',
      apply: async (image, size) =>
        image.composite(await Promise.all(marks.map(({ mark }) => overlay(size, mark)))),
      cost: marks.reduce((sum, { mark }) => sum + (mark.isTiled ? TILES_COST : MARK_COST), 0),
    },
  ];
}

export const watermark = operation({
  name: 'watermark',
  group: 'effects',
  summary:
    'Puts a registered mark on the picture. An SVG with `{text}` in a text of its own is a template: `wmx` says what stands there.',
  params: {
    wm: param([['text', NAME]], (text) => text, {
      label: 'Watermark',
      doc: 'Name of a registered watermark; never a URL.',
    }),
    wmg: gravityOf('wm'),
    wmo: opacityOf('wm'),
    wms: shareOf('wm'),
    wmp: insetOf('wm'),
    wmt: tilingOf('wm'),
    wmx: textOf('wm'),
    wm2: param([['text', NAME]], (text) => text, {
      needs: ['wm'],
      label: 'Second watermark',
      doc: 'Name of a registered watermark that lies above `wm`, with settings of its own.',
    }),
    wm2g: gravityOf('wm2'),
    wm2o: opacityOf('wm2'),
    wm2s: shareOf('wm2'),
    wm2p: insetOf('wm2'),
    wm2t: tilingOf('wm2'),
    wm2x: textOf('wm2'),
  },
  example: 'w=160&wm=sample',
  variations: [
    'w=160&wm=sample&wmt=1&wmo=40',
    'w=160&wm=price&wmx=MTkuOTAg4oKs&wms=50',
    'w=160&wm=sample&wm2=sample&wm2g=nw&wm2s=40&wm2o=60',
  ],
  steps: (values, { watermark: bytes, watermark2: bytes2 }) => {
    const first = named(values.wm, bytes, {
      gravity: values.wmg,
      opacity: values.wmo,
      share: values.wms,
      inset: values.wmp,
      isTiled: values.wmt,
      text: values.wmx,
    });
    const second = named(values.wm2, bytes2, {
      gravity: values.wm2g,
      opacity: values.wm2o,
      share: values.wm2s,
      inset: values.wm2p,
      isTiled: values.wm2t,
      text: values.wm2x,
    });
    // A second one is none without the first: it would be the same picture under two names.
    return markSteps(first.length ? [...first, ...second] : []);
  },
});
