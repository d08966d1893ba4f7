import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openRendering, type Rendering } from '../../server/compose/rendering.ts';
import type { PoolEvent } from '../../server/sandbox/pool.ts';

let shared: Promise<Rendering> | undefined;

/** What befell the render processes of this test file. */
export const poolEvents: PoolEvent[] = [];

/**
 * Render processes for all servers and warmers of a test file: to start their own would take each a quarter of a
 * second. They end with the process.
 */
export function sharedRendering(): Promise<Rendering> {
  shared ??= openRendering({ renderSlots: 2, renderNice: 0 }, { scratchParent: tmpdir() }, (event) =>
    poolEvents.push(event),
  ).then((rendering) => {
    process.once('exit', () => {
      rendering.pool.close();
      rmSync(rendering.scratch.folder, { recursive: true, force: true });
    });
    return rendering;
  });
  return shared;
}
