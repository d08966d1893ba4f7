import { PassThrough, Readable } from 'node:stream';
import { unavailable } from '../shared/errors.ts';
import type { StoredFacts, StoredObject } from './objects.ts';

/** A body on its way into a store. */
export interface Incoming {
  chunks: AsyncIterable<Uint8Array>;
  /** Bytes so far. */
  size: number;
  /** Set once the source itself has failed: its error belongs to the caller, not to the store. */
  failure?: { error: unknown };
}

/** Passes `body` on until it ends or the signal aborts, even while the body is silent. */
export function incoming(body: Uint8Array | AsyncIterable<Uint8Array>, signal?: AbortSignal): Incoming {
  const source = body instanceof Uint8Array ? only(body) : body;
  const passed: Incoming = { chunks: source, size: body instanceof Uint8Array ? body.byteLength : 0 };
  passed.chunks = watched(source, passed, signal);
  return passed;
}

async function* only(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
}

async function* watched(
  source: AsyncIterable<Uint8Array>,
  passed: Incoming,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  passed.size = 0;
  const chunks = source[Symbol.asyncIterator]();
  let complete = false;
  try {
    for (;;) {
      const next = await nextUnlessAborted(chunks, signal);
      complete = next.done === true;
      if (next.done) return;
      passed.size += next.value.byteLength;
      yield next.value;
    }
  } catch (error) {
    passed.failure = { error };
    throw error;
  } finally {
    if (!complete) letGo(source, chunks);
  }
}

/**
 * A promise of its own for each chunk: racing all of them against one that lasts would keep every chunk
 * reachable until the end (measured: 100 MB more for an upload of 100 MB).
 */
function nextUnlessAborted(
  chunks: AsyncIterator<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Uint8Array>> {
  if (!signal) return chunks.next();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    chunks
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', end));
  });
}

/** Nothing is awaited: return() of a silent source would wait for its next chunk. */
function letGo(source: AsyncIterable<Uint8Array>, chunks: AsyncIterator<Uint8Array>): void {
  if (source instanceof Readable) source.destroy();
  else chunks.return?.().catch(() => undefined);
}

/**
 * A body on its way out: its errors are translated, and the signal ends it with its own reason.
 *
 * @param source  destroyed with the returned stream
 */
function outgoing(source: Readable, signal: AbortSignal | undefined): Readable {
  const body = new PassThrough({ highWaterMark: 256 * 1024 });
  const fail = endsWith(signal, body);
  source.on('error', fail);
  body.once('close', () => source.destroy());
  return source.pipe(body);
}

/** Copied once, so that nothing keeps the pieces' own memory; `buffer` of Node goes by a Blob and two turns more. */
async function whole(body: Readable): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** An object whose body comes in pieces. */
export function streamed(facts: StoredFacts, source: Readable, signal?: AbortSignal): StoredObject {
  const body = outgoing(source, signal);
  return { ...facts, body, bytes: () => whole(body) };
}

/** An object whose body is in memory already. Streams cost 0.4 ms that a cold request would wait for. */
export function held(facts: StoredFacts, bytes: Buffer, signal?: AbortSignal): StoredObject {
  let body: Readable | undefined;
  const stream = () => {
    body = Readable.from(bytes.length > 0 ? [bytes] : [], { objectMode: false });
    endsWith(signal, body);
    return body;
  };
  return {
    ...facts,
    get body() {
      return body ?? stream();
    },
    bytes: async () => bytes,
  };
}

/** The signal ends the body with its own reason; the returned function ends it with another error, translated. */
function endsWith(signal: AbortSignal | undefined, body: Readable): (error: unknown) => void {
  const fail = (error: unknown) => body.destroy(asError(unavailable(error, signal)));
  const end = () => fail(signal?.reason);
  signal?.addEventListener('abort', end, { once: true });
  body.once('close', () => signal?.removeEventListener('abort', end));
  // Whoever reads it hears of it; an error that comes before anyone does must not end the process.
  body.on('error', () => undefined);
  if (signal?.aborted) end();
  return fail;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('The body ended early.', { cause: error });
}
