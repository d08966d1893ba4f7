import { unavailable } from '../shared/errors.ts';

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
