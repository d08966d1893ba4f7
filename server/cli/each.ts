import { CommandEnded } from './deployment.ts';
import type { Output } from './output.ts';

/** As many requests at once as a server of two cores keeps busy with. */
const AT_ONCE = 4;

/**
 * Does `work` for every subject, a few at once. One that fails is told of, and the others go on.
 *
 * @throws CommandEnded, and does not begin with the rest
 */
export async function each(
  subjects: readonly string[],
  output: Output,
  work: (subject: string) => Promise<void>,
): Promise<void> {
  let next = 0;
  let done = 0;
  let ended: CommandEnded | undefined;
  const lane = async () => {
    for (let subject = subjects[next++]; subject !== undefined && !ended; subject = subjects[next++]) {
      try {
        await work(subject);
      } catch (error) {
        if (error instanceof CommandEnded) ended ??= error;
        else output.failed(subject, error);
      }
      output.progress(++done, subjects.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  if (ended) throw ended;
  if (output.failures && subjects.length > 1) output.note(`${output.failures} of ${subjects.length} failed.`);
}
