import { xmlText } from '../original/svg-document.ts';
import type { Raw } from './pipeline.ts';

/** Whether there is a glyph for a code point in the fonts that drawings have. */
export type HasGlyph = (codePoint: number) => boolean;
/** Reads the fonts, once: only drawings with text have a use for it. */
export type ReadGlyphs = () => Promise<HasGlyph>;

/**
 * What a drawing could not show: librsvg draws boxes for letters without glyphs and nothing for what refers to
 * itself or is too deep, and calls both a success.
 *
 * @param svg         its bytes, inflated
 * @param raster      what was drawn, with alpha
 * @param readGlyphs  absent where the fonts are not known
 */
export async function drawingWarnings(
  svg: Uint8Array,
  raster: Raw,
  readGlyphs: ReadGlyphs | undefined,
): Promise<string[]> {
  const letters = readGlyphs ? [...lettersOf(xmlText(svg))] : [];
  const hasGlyph = letters.length ? await readGlyphs?.() : undefined;
  const isMissing = hasGlyph && letters.some((codePoint) => !hasGlyph(codePoint));
  return [...(isBlank(raster) ? ['blank-drawing'] : []), ...(isMissing ? ['missing-glyphs'] : [])];
}

function isBlank({ data, channels }: Raw): boolean {
  if (channels !== 4) return false;
  for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] !== 0) return false;
  return true;
}

/** Read, but never drawn. */
const SILENT: readonly string[] = ['title', 'desc', 'metadata', 'style', 'script'];
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** Blanks, controls and what only steers its neighbours have no glyph of their own. */
const INVISIBLE = /[\s\p{C}\p{Z}\p{Variation_Selector}]/u;

/** Code points of all text that a drawing has. Goes by its tags alone: a false warning costs nobody a picture. */
export function lettersOf(text: string): Set<number> {
  const letters = new Set<number>();
  let [inText, inSilence] = [0, 0];
  // What follows each `<`: the rest of a tag, and text.
  for (const piece of text.split('<').slice(1)) {
    const end = piece.indexOf('>');
    const [, slash = '', name = ''] = /^(\/?)(?:[\w.-]+:)?([\w.-]+)/.exec(piece) ?? [];
    const step = slash ? -1 : piece[end - 1] === '/' ? 0 : 1;
    if (name === 'text') inText += step;
    if (SILENT.includes(name)) inSilence += step;
    if (inText <= 0 || inSilence > 0) continue;
    for (const letter of unescaped(piece.slice(end + 1)))
      if (!INVISIBLE.test(letter)) letters.add(letter.codePointAt(0) ?? 0);
  }
  return letters;
}

const unescaped = (text: string): string =>
  text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w{1,8}));/gi, (_whole, hex, decimal, name) => {
    const codePoint = hex ? Number.parseInt(hex, 16) : Number(decimal);
    if (hex || decimal) return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : '';
    return ENTITIES[name] ?? '';
  });
