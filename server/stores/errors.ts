import { Problem, unavailable } from '../shared/errors.ts';

/** The `code` (Node) or else `name` (AWS SDK) of an error; '' for anything without one. */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Does `work` unless the signal has ended it already, and translates its errors. */
export async function attempt<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    throw unavailable(error, signal);
  }
}

/** Options of an AWS SDK call. */
export function sending(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

/** What is told to whoever would change originals that are somebody's folder. */
export function readOnly(): Problem {
  const detail = 'The originals are a folder that is served as it stands: change its files instead.';
  return new Problem('not_allowed', detail);
}

/** The same of an original that is read from a bucket of others. */
export function placeIsReadOnly(key: string): Problem {
  return new Problem('not_allowed', `"${key}" is read where it is: nothing is written there.`);
}
