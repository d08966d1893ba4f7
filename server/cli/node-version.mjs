// Preloaded by the scripts of package.json, and no TypeScript: a Node that is too old would stop at the first
// .ts file with a message about file extensions, which tells nobody what to do.

import module from 'node:module';
import { fileURLToPath } from 'node:url';

const OLDEST = 24;
const { node } = process.versions;

if (Number.parseInt(node, 10) < OLDEST) {
  process.stderr.write(
    `Rendition runs on Node ${OLDEST} or newer; this is Node ${node} (${process.execPath}). ` +
      'npm ci brings one along on Linux (x64, arm64) and Windows (x64); elsewhere install it from https://nodejs.org.\n',
  );
  process.exit(1);
}

// Half of a start is reading and compiling what the last one has compiled already. Beside the packages, not in the
// system's folder for temporary files, where somebody else could lay code for us. What an environment names goes
// before; functions from a cache have no exact coverage.
const { NODE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env;
if (!NODE_COMPILE_CACHE && !NODE_V8_COVERAGE) {
  module.enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/rendition', import.meta.url)));
}
