import { randomUUID } from 'node:crypto';

/** In the metadata of an object: the write that made it, so that a writer whose answer got lost finds what it made. */
const MARK = 'write';

export interface Marked {
  readonly mark: string;
  readonly metadata: Record<string, string>;
}

/** Metadata of a write, with a mark that no other has. */
export function marked(metadata: Record<string, string> = {}): Marked {
  const mark = randomUUID();
  return { mark, metadata: { ...metadata, [MARK]: mark } };
}

export function isMarked(metadata: Record<string, string> | undefined, mark: string): boolean {
  return metadata?.[MARK] === mark;
}

export function withoutMark(metadata: Record<string, string>): Record<string, string> {
  const { [MARK]: _mark, ...rest } = metadata;
  return rest;
}

/**
 * Whether a write that ended so may have been done: nobody answered, or only an attempt that came after the one that was
 * answered was. The client library repeats a write that is on condition, and then meets its own object.
 */
export function mayBeDone(error: unknown): boolean {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  if (typeof metadata !== 'object' || metadata === null) return true;
  const status = 'httpStatusCode' in metadata ? Number(metadata.httpStatusCode) : 0;
  const attempts = 'attempts' in metadata ? Number(metadata.attempts) : 1;
  return attempts > 1 || !(status >= 400 && status < 500);
}
