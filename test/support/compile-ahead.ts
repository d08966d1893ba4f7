/**
 * Fills the caches of compiled modules that programs of tests start with (command.ts), and their render processes: in a fresh checkout the first ones
 * would each compile everything, several at a time, and those that are killed leave nothing for the next.
 */

import '../../server/cli/compile-cache.mjs';
import { compileAhead } from '../../server/sandbox/compiled.ts';

await Promise.all([
  compileAhead(),
  import('../../server/cli/run.ts'),
  import('../../server/http/app.ts'),
  import('../../server/http/connections.ts'),
  import('../../server/http/health.ts'),
  import('../../server/compose/server.ts'),
  import('../../server/compose/rendering.ts'),
  import('../../server/compose/stores.ts'),
  import('../../server/telemetry/listen.ts'),
  import('../../server/telemetry/open-tracing.ts'),
  import('../../warmer/compose.ts'),
]);
