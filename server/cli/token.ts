import { createHash, randomBytes } from 'node:crypto';
import { command, JSON_OPTION, UsageError } from './command.ts';

export const token = command({
  name: 'token',
  summary: 'Makes a token for the management API, and the line of the settings that lets it in.',
  about: 'The token is shown this once; the settings have its hash.',
  operand: { name: 'NAME', min: 0, max: 1, doc: 'Of who has it, for the log; default: admin.' },
  options: {
    scope: { value: 'SCOPE', doc: 'read, or write, which includes read; default: write.' },
    json: JSON_OPTION,
  },
  examples: ['token', 'token newsroom --scope read'],
  run: async ({ operands: [name = 'admin'], values: { scope = 'write' }, output }) => {
    const made = randomBytes(32).toString('base64url');
    const setting = `${name}=${scope}:${createHash('sha256').update(made).digest('hex')}`;
    if (scope !== 'read' && scope !== 'write')
      throw new UsageError(`--scope ${scope}: expected read or write.`);
    if (/[=;\s]/.test(name))
      throw new UsageError(`"${name}" cannot be the name of a token: no =, ; or blank.`);
    output.result(
      { name, scope, token: made, setting: `API_TOKENS=${setting}` },
      `${made}\nAPI_TOKENS=${setting}`,
    );
    output.note('The first line is the token. The second is for the settings; more tokens follow behind a ;');
  },
});
