import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { removeFolder } from '../../support/folders.ts';

/** Of the first person on most machines; nobody else may be asked for. */
const SOMEBODY = 1000;

t.test('around render processes of a user that is not root is what such a user may have', async (t) => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    t.comment('skipped: only root can become somebody else; the short form has run as this user');
    return;
  }
  const home = mkdtempSync(join(tmpdir(), 'rendition-user-'));
  t.teardown(() => removeFolder(home));
  await chown(home, SOMEBODY, SOMEBODY);
  const { NODE_OPTIONS: _loaders, NODE_V8_COVERAGE: _coverage, ...rest } = process.env;
  const env = { ...rest, HOME: home, TMPDIR: home };
  const user = [`--reuid=${SOMEBODY}`, `--regid=${SOMEBODY}`, '--clear-groups'];
  for (const name of ['compiled', 'layers', 'pool']) {
    const file = fileURLToPath(new URL(`./${name}.test.ts`, import.meta.url));
    const { status, stdout } = spawnSync('setpriv', [...user, process.execPath, file], {
      env,
      encoding: 'utf8',
    });
    t.equal(status, 0, `${name}: ${stdout.match(/^ *not ok .*$/m)?.[0] ?? 'all of it'}`);
  }
});
