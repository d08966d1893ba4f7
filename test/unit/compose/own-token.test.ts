import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { withOwnToken } from '../../../server/compose/own-token.ts';
import { loadConfig } from '../../../server/config/settings.ts';

t.test('a token is made once, printed once, and kept as a hash that only the owner reads', async (t) => {
  const path = join(t.testdir(), 'data', 'api.token');
  const config = loadConfig({ API_TOKEN_FILE: path, PROXY_HOPS: '1' });
  const printed: string[] = [];
  const starts = await Promise.all(
    Array.from({ length: 8 }, () => withOwnToken(config, (text) => printed.push(text))),
  );
  t.equal(printed.length, 1, 'of eight first starts at once one prints');
  const [, token = ''] = /\n {2}([\w-]{43})\n/.exec(printed[0] ?? '') ?? [];
  const hash = createHash('sha256').update(token).digest('hex');
  for (const { apiTokens } of starts) t.same(apiTokens, [{ name: 'made', scope: 'write', hash }]);
  t.equal((await stat(path)).mode & 0o777, 0o600);
  t.notMatch(await readFile(path, 'utf8'), token);
  t.same((await withOwnToken(config, (text) => printed.push(text))).apiTokens, starts[0]?.apiTokens);
  t.equal(printed.length, 1, 'a later start prints nothing');
});

t.test('none is made where there is another way in, and what is no token is refused', async (t) => {
  const path = join(t.testdir(), 'api.token');
  for (const env of [
    { JWKS_URL: 'https://id.example.com/keys' },
    { API_TOKENS: `a=read:${'0'.repeat(64)}` },
  ]) {
    const config = loadConfig({ API_TOKEN_FILE: path, ...env });
    t.equal(await withOwnToken(config, t.fail), config);
  }
  await writeFile(path, '');
  await t.rejects(withOwnToken(loadConfig({ API_TOKEN_FILE: path }), t.fail), /API_TOKEN_FILE/);
});

t.test('a file that cannot be read or made is told by the name of its setting', async (t) => {
  const folder = t.testdir({ file: 'no folder' });
  for (const [path, reason] of [
    [folder, /EISDIR|EPERM/],
    [join(folder, 'file', 'api.token'), /ENOTDIR|EEXIST|ENOENT/],
  ] as const) {
    const failed = withOwnToken(loadConfig({ API_TOKEN_FILE: path }), t.fail);
    await t.rejects(failed, { message: `API_TOKEN_FILE="${path}"`, cause: { message: reason } });
  }
});
