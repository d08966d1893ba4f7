/**
 * What a promise comes to within its time; undefined when it is late. It goes on then, and its later failure is nobody's.
 *
 * @throws the reason of a promise that rejects in time
 */
export function within<T>(promise: Promise<T>, ms: number): Promise<{ readonly value: T } | undefined> {
  return new Promise((resolve, reject) => {
    // One turn more: after an event loop that stood still the timer comes before an answer that is there already.
    const timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(undefined))), ms);
    // Whoever still waits for an answer keeps the process; the time it may take does not.
    timer.unref();
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve({ value });
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
