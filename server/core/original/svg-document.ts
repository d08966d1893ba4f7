/** Where the root element of an SVG lies in its text. */
export interface SvgRoot {
  /** Of the `<` of its start tag. */
  readonly start: number;
  /** Behind the start tag; the length of the text where that breaks off. */
  readonly end: number;
}

/**
 * Encodings by the bytes that a text of XML begins with (XML 1.0, appendix F): with a byte order mark, and `<` or a
 * blank without one.
 */
const ENCODINGS: ReadonlyArray<readonly [hex: string, label: string]> = [
  ['efbbbf', 'utf-8'],
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
  ['3c00', 'utf-16le'],
  ['2000', 'utf-16le'],
  ['0a00', 'utf-16le'],
  ['003c', 'utf-16be'],
  ['0020', 'utf-16be'],
  ['000a', 'utf-16be'],
];
const DECLARATION = /^\s*<\?xml\s[^>]*?\?>/;
const DECLARED = /\sencoding\s*=\s*["']([\w.:-]+)["']/;
/** A declaration is shorter, whatever it says. */
const DECLARATION_BYTES = 256;
/** What editors wrote before there was a standard, and what browsers take for Latin-1. */
const LAST_RESORT = 'windows-1252';

/**
 * Text of an XML document, whatever its encoding: by its byte order mark, its first bytes, what it declares, or as
 * UTF-8 where it is that and Latin-1 where it is not. Without mark and declaration, which it does not need any more.
 *
 * @param bytes  of the document, or of its beginning
 */
export function xmlText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hex = buffer.toString('hex', 0, 4);
  const declared = DECLARED.exec(
    DECLARATION.exec(buffer.toString('latin1', 0, DECLARATION_BYTES))?.[0] ?? '',
  );
  const told = ENCODINGS.find(([start]) => hex.startsWith(start))?.[1];
  const text =
    decoded(buffer, told) ??
    // Whoever declares UTF-16 in a text of single bytes is wrong.
    (/^utf-?16/i.test(declared?.[1] ?? '') ? undefined : decoded(buffer, declared?.[1])) ??
    decoded(buffer, 'utf-8') ??
    new TextDecoder(LAST_RESORT).decode(buffer);
  return text.replace(DECLARATION, '').trimStart();
}

/** Undefined for a label that nobody knows and for bytes that are not of it; a last letter may break off. */
function decoded(bytes: Buffer, label: string | undefined): string | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}

const ROOT = /<(?:[a-zA-Z_][\w.-]*:)?svg(?=[\s/>])/y;
const DOCTYPE_SVG = /<!DOCTYPE\s+(?:[\w.-]+:)?svg[\s[>]/iy;

const startsAt = (pattern: RegExp, text: string, place: number): boolean => {
  pattern.lastIndex = place;
  return pattern.test(text);
};

/**
 * Goes past whatever comments, instructions and DTD stand before the first element. By hand, in one pass: a pattern
 * that skips comments can be made to look at each byte as often as there are bytes.
 */
function readProlog(text: string): { readonly end: number; readonly isDeclared: boolean } {
  let isDeclared = false;
  for (let place = 0; ; ) {
    while (/\s/.test(text[place] ?? '')) place += 1;
    if (text.startsWith('<!--', place)) place = behind(text, '-->', place + 4);
    else if (text.startsWith('<?', place)) place = behind(text, '?>', place + 2);
    else if (text.startsWith('<!', place)) {
      isDeclared ||= startsAt(DOCTYPE_SVG, text, place);
      place = endOfTag(text, place);
    } else return { end: place, isDeclared };
  }
}

/**
 * Finds the root element of an SVG.
 *
 * @param text  from xmlText
 * @returns     undefined where the first element is another one, or none comes
 */
export function findRoot(text: string): SvgRoot | undefined {
  const { end } = readProlog(text);
  return startsAt(ROOT, text, end) ? { start: end, end: endOfTag(text, end) } : undefined;
}

/** Whether a text is that of an SVG: its root element is one, or its DTD says so before the text breaks off. */
export function isSvgText(text: string): boolean {
  const { end, isDeclared } = readProlog(text);
  return startsAt(ROOT, text, end) || (isDeclared && end >= text.length);
}

function behind(text: string, end: string, from: number): number {
  const place = text.indexOf(end, from);
  return place < 0 ? text.length : place + end.length;
}

/** Behind the `>` of a tag or declaration: not one in quotes, in a comment, or in brackets. */
function endOfTag(text: string, start: number): number {
  let depth = 0;
  for (let place = start; place < text.length; place += 1) {
    const letter = text[place];
    if (letter === '"' || letter === "'") {
      const close = text.indexOf(letter, place + 1);
      if (close < 0) return text.length;
      place = close;
    } else if (text.startsWith('<!--', place)) place = behind(text, '-->', place + 4) - 1;
    else if (letter === '[') depth += 1;
    else if (letter === ']') depth -= 1;
    else if (letter === '>' && depth <= 0) return place + 1;
  }
  return text.length;
}
