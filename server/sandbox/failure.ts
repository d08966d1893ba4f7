import { errorText } from '../shared/error-text.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import type { Failure } from './protocol.ts';

/** What another process can be told of an error. */
export function failureOf(error: unknown): Failure {
  if (!isProblem(error)) return { detail: errorText(error) };
  const { code, detail, facts } = error;
  const cause = error.cause === undefined ? undefined : errorText(error.cause);
  return { code, detail, facts: { ...facts }, cause };
}

/** The error that another process told of. */
export function errorOf({ code, detail, facts, cause }: Failure): Error {
  const behind = cause === undefined ? undefined : new Error(cause);
  return code ? new Problem(code, detail, facts, behind) : new Error(detail, { cause: behind });
}
