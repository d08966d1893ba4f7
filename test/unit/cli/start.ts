import { spawn } from 'node:child_process';
import type { Test } from 'tap';
import { BARE } from '../../support/command.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { ROOT } from '../../support/markdown.ts';
import { freePort } from '../../support/ports.ts';
import { waitFor } from '../../support/wait.ts';

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Kills npm start, or the shell that it runs under, and waits until its port is free. */
export async function killed(t: Test, who: 'npm start' | 'its parent'): Promise<void> {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const port = await freePort();
  const start = `${BARE.join(' ')} ${process.execPath} server/cli/rendition.mjs serve`;
  // The shell stays, as that of npm does.
  const command = who === 'npm start' ? `exec ${start}` : `${start}; true`;
  const env = { ...process.env, DATA_DIR: folder, PORT: String(port), HOST: '127.0.0.1' };
  const child = spawn('sh', ['-c', command], { cwd: ROOT, env, stdio: 'ignore' });
  await waitFor(() => answers(port));
  child.kill('SIGKILL');
  await waitFor(async () => !(await answers(port)));
  t.pass('the port is free');
}
