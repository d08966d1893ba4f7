/**
 * Calls `stop` once whoever started this process with a channel is gone: nobody else would stop it. Also where he went
 * while it started, of which no event tells any more. `stop` may be called twice.
 */
export function onOrphaned(stop: () => void): void {
  process.on('disconnect', stop);
  if (process.connected === false) stop();
}

/**
 * Sends something to whoever started this process with a channel. One who is gone is told by the event of that: what misses
 * him is no fault of this process.
 */
export function tellParent(message: object): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
