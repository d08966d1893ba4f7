import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { isProblem, Problem } from '../../shared/errors.ts';
import { linger } from './linger.ts';
import type { FileDigest } from './request-digest.ts';

/** Forms are small beside their files. */
const LIMITS = {
  files: 50,
  fields: 200,
  parts: 1000,
  fieldSize: 64 * 1024,
  fileSize: Number.POSITIVE_INFINITY,
} as const;
/** Longest silence while the rest of a refused file is read, for the sake of the files behind it. */
const SILENCE_MS = 5000;

/** Codes of the parser: the client left, a limit was passed, a part was refused. */
const LEFT: readonly string[] = ['FST_MP_PREMATURE_CLOSE', 'ERR_STREAM_PREMATURE_CLOSE'];
const OVER: Readonly<Record<string, string>> = {
  FST_FILES_LIMIT: `${LIMITS.files} files`,
  FST_FIELDS_LIMIT: `${LIMITS.fields} fields`,
  FST_PARTS_LIMIT: `${LIMITS.parts} parts`,
};
const REFUSED: Readonly<Record<string, string>> = {
  FST_PROTO_VIOLATION: 'A field has a name that is not accepted.',
  FST_INVALID_JSON_FIELD_ERROR: 'A field that calls itself JSON is not.',
};

export interface FilePart {
  readonly kind: 'file';
  readonly name: string;
  readonly stream: Readable;
  /** Of a request with a key. */
  readonly digest?: FileDigest | undefined;
}
export interface FieldPart {
  readonly kind: 'field';
  readonly name: string;
  readonly value: unknown;
}

type FormDone = (error?: Error | null, payload?: Readable) => void;

/** Hook of a route that takes a form: other types would be refused, or read, in words that do not help. */
export function formOnly(request: FastifyRequest, _reply: unknown, payload: Readable, done: FormDone): void {
  const isForm = /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '');
  if (!isForm) linger(request.raw);
  done(isForm ? null : noForm(), payload);
}

function noForm(): Problem {
  const facts = { param: 'Content-Type', allowed: 'multipart/form-data' };
  return new Problem('invalid_request', 'An upload is a form: Content-Type multipart/form-data.', facts);
}

/**
 * The parts of a form in their order; a file must be read or drained before the next part comes. Ends with
 * an error when the client leaves.
 *
 * @throws Problem `invalid_request` for a form that cannot be read, `upload_too_large` for one of too many parts
 */
export async function* partsOf(request: FastifyRequest): AsyncGenerator<FilePart | FieldPart> {
  if (!request.isMultipart()) throw noForm();
  const { digest } = request;
  try {
    for await (const part of request.parts({ limits: LIMITS })) {
      // As browsers send an input where no file was chosen.
      if (part.type === 'file' && !part.filename && (await isEmpty(part.file))) continue;
      if (part.type === 'file') {
        const name = part.filename || part.fieldname;
        yield { kind: 'file', name, stream: part.file, digest: digest?.file(name) };
        continue;
      }
      if (part.valueTruncated) throw new Problem('invalid_request', `"${part.fieldname}" is too long.`);
      digest?.field(part.fieldname, part.value);
      yield { kind: 'field', name: part.fieldname, value: part.value };
    }
  } catch (error) {
    throw formProblem(error);
  }
}

/** Looks at what comes first, which stays to be read. */
async function isEmpty(stream: Readable): Promise<boolean> {
  const seen = new AbortController();
  // One that has ended by now says nothing of being readable.
  const events = ['readable', 'end'].map((name) => once(stream, name, { signal: seen.signal }));
  if (stream.readableLength === 0 && !stream.readableEnded) await Promise.race(events);
  for (const event of events) event.catch(() => undefined);
  seen.abort();
  if (stream.readableLength > 0) return false;
  stream.resume();
  return true;
}

/**
 * A file stream that stays open when its reader gives up, so that the parts behind it can still be read.
 *
 * @throws Problem `invalid_request` when the form breaks off; the error of the stream when the client left
 */
export async function* chunksOf({ stream, digest }: FilePart): AsyncGenerator<Uint8Array, undefined> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      digest?.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw formProblem(error);
  }
  digest?.end();
}

/** Bytes of a request that are still to come, asked before its body is read; NaN where nobody said how long it is. */
export function remaining({ headers, raw: { socket } }: FastifyRequest): () => number {
  const declared = Number(headers['content-length'] ?? Number.NaN);
  // A connection that is kept alive has carried other requests.
  const before = socket.bytesRead;
  return () => declared - (socket.bytesRead - before);
}

/**
 * Reads a refused file to its end.
 *
 * @param budget  bytes that this is worth
 * @returns       false when there are more, or none come: the rest of the form is given up
 * @throws        as chunksOf
 */
export async function drain(part: FilePart, budget: number): Promise<boolean> {
  const chunks = chunksOf(part);
  for (let drained = 0; drained < budget; ) {
    const next = await unlessSilent(chunks.next());
    if (!next) return false;
    if (next.done) return true;
    drained += next.value.length;
  }
  return false;
}

async function unlessSilent<T>(next: Promise<T>): Promise<T | undefined> {
  const silence = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => silence.resolve(undefined), SILENCE_MS);
  try {
    return await Promise.race([next, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** An error of the form parser as a Problem. An aborted request keeps its own error: there is no client to answer. */
function formProblem(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (isProblem(error) || LEFT.includes(code)) return error;
  const limit = OVER[code];
  if (limit) {
    return new Problem('upload_too_large', `A form has ${limit} at most.`, { allowed: limit }, error);
  }
  const detail =
    REFUSED[code] ?? 'The form cannot be read: it has no boundary, or breaks off before its end.';
  return new Problem('invalid_request', detail, {}, error);
}

/** Whether the file itself was refused; false for trouble on our side, a client that left or a form that broke off. */
export function isFileFault(error: unknown): error is Problem {
  return isProblem(error) && error.status < 500 && error.code !== 'invalid_request';
}
