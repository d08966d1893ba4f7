#!/usr/bin/env node
// No TypeScript, and nothing that a Node of ten years ago does not read: a Node that is too old hands over to the one
// that npm brought along, or says what to do.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST = 24;
const { node } = process.versions;

/** The Node of the optional dependencies; undefined where npm had none for this machine. */
function broughtAlong() {
  const isWindows = process.platform === 'win32';
  const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    const path = join(folder, 'bin', isWindows ? 'node.exe' : 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Does the same under another Node, as if it were this process. */
function handOver(path) {
  const child = spawn(path, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal === null) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

if (Number.parseInt(node, 10) >= OLDEST) {
  await import('./compile-cache.mjs');
  const source = new URL('./program.ts', import.meta.url);
  await import(existsSync(fileURLToPath(source)) ? source.href : './program.js');
} else {
  const path = broughtAlong();
  if (path !== undefined) handOver(path);
  else {
    process.stderr.write(
      `Rendition runs on Node ${OLDEST} or newer; this is Node ${node} (${process.execPath}). ` +
        'npm ci brings one along on Linux (x64, arm64) and Windows (x64); elsewhere install it from https://nodejs.org.\n',
    );
    process.exitCode = 1;
  }
}
