/**
 * Compiles what the programs and their render processes run, for all that start afterwards: when the image is built, and
 * before tests. Of these the first would each compile everything, several at a time, and those that are killed leave
 * nothing for the next.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { compileRenderProcesses } from '../compose/rendering.ts';
import { environmentWith } from './environment.ts';

const PROGRAM = fileURLToPath(new URL('./rendition.mjs', import.meta.url));
/** A program that a setting keeps from starting has been read whole, and leaves what Node has compiled of it. */
const STOPPED = { PORT: 'none' };

for (const program of ['server', 'warmer']) {
  const child = spawn(process.execPath, [PROGRAM, program], {
    env: environmentWith(STOPPED),
    stdio: 'ignore',
  });
  await once(child, 'exit');
}
await compileRenderProcesses();
