import { nearest } from '../core/query/nearest.ts';
import { errorText } from '../shared/error-text.ts';
import { UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { helpOf, overview, usageOf } from './help.ts';
import type { Streams } from './output.ts';

const WRONG_USE = 2;

/** How a command line ended: its exit code, and what is left to say. */
export interface Ended {
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** Does what a command line says. */
export async function run(
  [name = '', ...words]: readonly string[],
  streams: Streams = process,
): Promise<Ended> {
  if (name === '' || name === 'help' || name === '--help' || name === '-h')
    return printed(overview(COMMANDS));
  const command = COMMANDS.find((entry) => entry.name === name);
  if (!command) {
    const meant = nearest(
      name,
      COMMANDS.map((entry) => entry.name),
    );
    const hint = meant ? ` Did you mean "${meant}"?` : '';
    return failed(`There is no command "${name}".${hint} rendition --help lists them.`, WRONG_USE);
  }
  if (words.includes('--help') || words.includes('-h')) return printed(helpOf(command));
  try {
    return { code: await command.run(words, streams) };
  } catch (error) {
    if (!(error instanceof UsageError)) return failed(errorText(error), 1);
    return failed(`${error.message}\nusage: ${usageOf(command)}`, WRONG_USE);
  }
}

const printed = (stdout: string): Ended => ({ code: 0, stdout });
const failed = (text: string, code: number): Ended => ({ code, stderr: `${text}\n` });
