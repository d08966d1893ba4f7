import { createHash, type Hash } from 'node:crypto';
import { MAGIC_BYTES, mayBeXml, SNIFF_BYTES, SOURCE_FORMATS } from '../core/original/sniff.ts';
import { formatOf } from '../core/original/source.ts';
import { checkHeic } from '../reading/masters.ts';
import { Problem } from '../shared/errors.ts';
import { checkBytes } from '../stores/to-file.ts';

/** Longest silence of a sending client: one whose connection died without a close would keep its upload slot. */
const IDLE_MS = 30_000;

export interface IngestLimits {
  /** Of an upload. */
  readonly maxBytes: number;
  /** Of an original that is read at all. */
  readonly maxSourceBytes: number;
  readonly readsHeic: boolean;
}

/** Bytes on their way in whose type is known. */
export interface Ingest {
  readonly contentType: string;
  /** All of them, counted; fails as soon as a limit is passed. */
  readonly body: AsyncIterable<Uint8Array>;
  /** SHA-256 in hex of what has passed, once the body has ended. */
  readonly digest: () => string;
}

/**
 * Tells the type of a file by its first bytes, before anything is stored.
 *
 * @param source  is not destroyed but let go of when it is refused, so that the rest of it and what comes after it on
 *                the same connection can still be read
 * @throws Problem `unsupported_source`; from the body `upload_too_large`, `source_too_large`, `invalid_request`
 */
export async function openIngest(source: AsyncIterable<Uint8Array>, limits: IngestLimits): Promise<Ingest> {
  const chunks = counted(source, limits);
  const first = await readHead(chunks);
  try {
    const format = formatOf(first.subarray(0, SNIFF_BYTES));
    if (format === 'heic') checkHeic(limits.readsHeic);
    const contentType = SOURCE_FORMATS[format];
    const hash = createHash('sha256');
    let hex: string | undefined;
    const digest = () => {
      hex ??= hash.digest('hex');
      return hex;
    };
    return { contentType, body: joined(first, chunks, hash), digest };
  } catch (error) {
    await chunks.return(undefined);
    throw error;
  }
}

/** As much as tells the type. */
async function readHead(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const head: Uint8Array[] = [];
  let [size, wanted] = [0, MAGIC_BYTES];
  while (size < wanted) {
    const next = await chunks.next();
    if (next.done) break;
    head.push(next.value);
    size += next.value.length;
    if (size >= MAGIC_BYTES && mayBeXml(Buffer.concat(head))) wanted = SNIFF_BYTES;
  }
  return Buffer.concat(head);
}

async function* joined(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array> {
  hash.update(head);
  yield head;
  for await (const chunk of rest) {
    hash.update(chunk);
    yield chunk;
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  { maxBytes, maxSourceBytes }: IngestLimits,
): AsyncGenerator<Uint8Array, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  let size = 0;
  try {
    for (;;) {
      const next = await inTime(chunks.next());
      if (next.done) return undefined;
      size += next.value.length;
      if (size > maxBytes) throw uploadTooLarge(maxBytes);
      checkBytes(size, maxSourceBytes);
      yield next.value;
    }
  } finally {
    // Ends the iteration, or the parser could not drain the rest of the stream. Not awaited: a source that has fallen
    // silent would be waited for without end.
    chunks.return?.().catch(() => undefined);
  }
}

async function inTime<T>(next: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const silence = () => late.reject(new Problem('invalid_request', `No byte came for ${IDLE_MS / 1000} s.`));
  const timer = setTimeout(silence, IDLE_MS);
  try {
    return await Promise.race([next, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export function uploadTooLarge(maxBytes: number): Problem {
  const allowed = `${maxBytes} bytes`;
  return new Problem('upload_too_large', `The file has more than ${allowed}.`, { param: 'file', allowed });
}
