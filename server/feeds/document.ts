import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Problem } from '../shared/errors.ts';
import { asText } from '../shared/text.ts';

/** What the protocol of sitemaps allows one of them; nothing else that lists pictures is longer. */
export const MAX_DOCUMENT_BYTES = 52_428_800;
/** Of the text of an XML declaration, in which its encoding stands. */
const DECLARATION_LENGTH = 200;

const unpack = promisify(gunzip);

/** What a feed's document has against it; the place is a line, a column, or the name of a field. */
export function broken(from: string, why: string, cause?: unknown): Problem {
  return new Problem('invalid_feed', asText(`${from}: ${why}.`), { received: from }, cause);
}

/**
 * Reads a document to its end.
 *
 * @throws Problem `invalid_feed` for one that is too large; the error of `body`, as of one that was cut
 */
export async function readBody(from: string, body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_DOCUMENT_BYTES) throw broken(from, `has more than ${MAX_DOCUMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  return whole[0] === 0x1f && whole[1] === 0x8b ? unpacked(from, whole) : whole;
}

/** A sitemap may be a file of gzip: a small one may not become a large one. */
async function unpacked(from: string, packed: Buffer): Promise<Buffer> {
  try {
    return await unpack(packed, { maxOutputLength: MAX_DOCUMENT_BYTES });
  } catch (error) {
    throw broken(from, `is no whole gzip file of at most ${MAX_DOCUMENT_BYTES} bytes unpacked`, error);
  }
}

/**
 * The text of a document, by its byte order mark, else by its XML declaration, else as UTF-8.
 *
 * @see https://www.w3.org/TR/xml/#sec-guessing
 * @throws Problem `invalid_feed` for an encoding that is not known, and for bytes that are none of it
 */
export function decodeText(from: string, bytes: Buffer): string {
  const declaration = bytes.subarray(0, DECLARATION_LENGTH).toString('latin1');
  const said = /^<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(declaration)?.[1];
  const mark = MARKS.find(([start]) => bytes.subarray(0, start.length).equals(start));
  const encoding = mark?.[1] ?? said ?? 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw broken(from, `is no text in ${encoding}`, error);
  }
}

const MARKS: readonly (readonly [start: Buffer, encoding: string])[] = [
  [Buffer.from([0xef, 0xbb, 0xbf]), 'utf-8'],
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
  [Buffer.from([0xfe, 0xff]), 'utf-16be'],
  // Without a mark, by the `<?` that XML begins with.
  [Buffer.from([0x3c, 0, 0x3f, 0]), 'utf-16le'],
  [Buffer.from([0, 0x3c, 0, 0x3f]), 'utf-16be'],
];
