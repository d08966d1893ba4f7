// Half of a start is reading and compiling what the last one has compiled already. Beside the packages, not in the
// system's folder for temporary files, where somebody else could lay code for us. What an environment names goes
// before; functions from a cache have no exact coverage.

import module from 'node:module';
import { fileURLToPath } from 'node:url';

const { NODE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env;
if (!NODE_COMPILE_CACHE && !NODE_V8_COVERAGE) {
  module.enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/rendition', import.meta.url)));
}
