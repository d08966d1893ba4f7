/** A run of keys in their order. Keys are bytes here, see bytesOf. */
export interface Span {
  readonly prefix: string;
  /** Only keys behind this one. */
  readonly after: string;
  /** False: no slash behind the prefix. */
  readonly deep: boolean;
}

/** Whether keys that begin with `start` can be in the span: else nobody need look for them. */
export function leadsTo(start: string, { prefix, after, deep }: Span): boolean {
  const isInside = start.startsWith(prefix) || prefix.startsWith(start);
  const isAhead = start > after || after.startsWith(start);
  const isShallow = !start.slice(prefix.length).includes('/');
  return isInside && isAhead && (deep || isShallow);
}

export function isInSpan(key: string, { prefix, after }: Span): boolean {
  return key.startsWith(prefix) && key > after;
}

const NOT_ASCII = /[\u0080-\uffff]/;

/** A key as its UTF-8 bytes, one character each, so that the order of texts is that of bytes. */
export function bytesOf(key: string): string {
  return NOT_ASCII.test(key) ? Buffer.from(key).toString('latin1') : key;
}

export function keyOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}
