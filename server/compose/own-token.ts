import { createHash, randomBytes } from 'node:crypto';
import { apiTokens } from '../config/parsers.ts';
import type { Config } from '../config/settings.ts';
import { withContext } from '../shared/error-text.ts';
import { madeOnce } from '../shared/made-once.ts';

const NAME = 'made';

/**
 * The configuration with a token of its own where API_TOKEN_FILE asks for one and there is no other. The file keeps its
 * hash, so that neither the volume nor its backup gives the token away.
 *
 * @param print  is told the token, once in the life of the file
 * @throws Error that names the setting, for a file that holds something else, or cannot be read or made
 */
export async function withOwnToken(config: Config, print: (text: string) => void): Promise<Config> {
  const { apiTokenFile: path, jwksUrl } = config;
  if (path === undefined || jwksUrl !== undefined || config.apiTokens.length > 0) return config;
  const token = randomBytes(32).toString('base64url');
  const hash = createHash('sha256').update(token).digest('hex');
  const { text, isMade } = await withContext(`API_TOKEN_FILE="${path}"`, () =>
    madeOnce(path, () => `${NAME}=write:${hash}\n`),
  );
  const tokens = apiTokens.parse(text.trim());
  if (!tokens?.length) throw new Error(`API_TOKEN_FILE="${path}": expected ${apiTokens.expected}`);
  if (isMade) {
    print(
      `\nThe management API has no token, so one was made. It is shown this once; ${path} keeps its hash:\n\n  ${token}\n\nAuthorization: Bearer <token>. Lost: remove the file and start again.\n\n`,
    );
  }
  return { ...config, apiTokens: tokens };
}
