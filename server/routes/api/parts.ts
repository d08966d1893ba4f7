import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { isProblem, Problem } from '../../errors.ts';
import { linger } from './linger.ts';

/** Forms are small beside their files. */
const LIMITS = { files: 50, fields: 200, fieldSize: 64 * 1024, fileSize: Number.POSITIVE_INFINITY } as const;
/** Longest time spent on the rest of a refused file, for the sake of the files behind it. */
const DRAIN_MS = 5000;

export interface FilePart {
  readonly kind: 'file';
  readonly name: string;
  readonly stream: Readable;
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
 */
export async function* partsOf(request: FastifyRequest): AsyncGenerator<FilePart | FieldPart> {
  if (!request.isMultipart()) throw noForm();
  for await (const part of request.parts({ limits: LIMITS })) {
    if (part.type === 'file')
      yield { kind: 'file', name: part.filename || part.fieldname, stream: part.file };
    else if (part.valueTruncated) throw new Problem('invalid_request', `"${part.fieldname}" is too long.`);
    else yield { kind: 'field', name: part.fieldname, value: part.value };
  }
}

/** A file stream that stays open when its reader gives up, so that the parts behind it can still be read. */
export function chunksOf(stream: Readable): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => stream.iterator({ destroyOnReturn: false }) };
}

/**
 * Reads a refused file to its end.
 *
 * @param budget  bytes that this is worth
 * @returns       false when it would take more, or too long: the rest of the request is given up
 */
export async function drain(stream: Readable, request: FastifyRequest, budget: number): Promise<boolean> {
  if (stream.readableEnded) return true;
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  // Unknown length counts as too long: whoever passes a limit is told at once.
  const left = declared - request.raw.socket.bytesRead;
  if (!(left <= budget)) return false;
  const ended = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => ended.resolve(false), DRAIN_MS);
  stream.once('end', () => ended.resolve(true));
  stream.once('close', () => ended.resolve(stream.readableEnded));
  stream.resume();
  try {
    return await ended.promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the file itself was refused; false for trouble on our side or a client that left. */
export function isFileFault(error: unknown): error is Problem {
  return isProblem(error) && error.status < 500;
}
