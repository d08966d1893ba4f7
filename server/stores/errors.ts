import { isProblem, Problem } from '../shared/errors.ts';

/**
 * What a store throws for a foreign error: the caller's own reason when it was the caller who ended the
 * call, a Problem as it is, anything else as Problem `store_unavailable` with the error as its cause.
 */
export function unavailable(error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (isProblem(error)) return error;
  return new Problem(
    'store_unavailable',
    'The storage did not answer as expected. The same request may work in a moment.',
    { retryAfterSeconds: 1 },
    error,
  );
}

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
