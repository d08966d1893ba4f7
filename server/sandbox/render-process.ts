/**
 * A process that opens, measures, decodes and renders originals: whatever hostile bytes do to a decoder, they do it
 * here, without keys, and the parent kills what hangs or eats memory.
 */

import { accessSync, constants, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PROBE } from '../shared/scratch.ts';

// A user that cannot read what the parent writes, or write where it should, is of no use: the parent tries another way.
readFileSync(join(dirname(tmpdir()), PROBE));
accessSync(tmpdir(), constants.W_OK);
// Only now: all that renders takes a third of a second of the processor to read, and that way is often tried in vain.
await import('./task-loop.ts');
