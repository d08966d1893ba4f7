// JavaScript for a package: Node strips no types below node_modules. Paths inside of dist are those of the tree.

import { execFileSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

process.chdir(ROOT);
rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
const assets = [
  'package.json',
  'samples',
  'server/http/playground',
  'server/http/reference/reference.css',
  ...globSync('server/cli/*.mjs'),
];
for (const path of assets) cpSync(path, `dist/${path}`, { recursive: true });
