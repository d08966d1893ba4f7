/** The first characters of a text; a surrogate pair is not cut in two: half of one is no text, and no wire takes it. */
export function beginningOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length);
  return isFirstHalf(cut.charCodeAt(length - 1)) ? cut.slice(0, -1) : cut;
}

const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/** What others call a text: escapes of JSON may stand for halves of surrogate pairs, and for NUL. */
export const asText = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');
