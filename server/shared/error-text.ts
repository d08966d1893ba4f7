/** Enough for every chain that was seen; one of ten thousand would fill the log. */
const MAX_CAUSES = 8;

/** What went wrong and why: the message of an error and of each of its causes, outermost first. */
export function errorText(error: unknown): string {
  const messages: string[] = [];
  // An error may be its own cause by a detour, so that the steps are counted and not the messages.
  let current = error;
  for (let step = 0; step < MAX_CAUSES && current !== undefined; step++) {
    const message = (current instanceof Error && current.message) || String(current);
    // Many a message has that of its cause in it.
    if (!messages.some((text) => text.includes(message))) messages.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return messages.join(': ');
}

/** Ends a program that could not start, or not go on. */
export function exitWithError(error: unknown): never {
  process.stderr.write(`${errorText(error)}\n`);
  process.exit(1);
}

/**
 * Does `work`; what goes wrong is said to be of a setting.
 *
 * @param what  such as `PORT="80": cannot listen`
 * @throws Error with `what` for its message and the reason for its cause
 */
export async function withContext<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // A Problem is worded for API callers; the operator who starts a program needs the error behind it.
    const cause = error instanceof Error && 'facts' in error ? (error.cause ?? error) : error;
    throw new Error(what, { cause });
  }
}
