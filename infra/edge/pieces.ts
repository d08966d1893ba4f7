/** KeyValueStores take 1 KB a value. */
const PIECE_BYTES = 1000;

/** A text cut into what a KeyValueStore takes; ASCII, so that characters are bytes. */
export function piecesOf(text: string): string[] {
  return text.match(new RegExp(`[\\x20-\\x7e]{1,${PIECE_BYTES}}`, 'g')) ?? [];
}
