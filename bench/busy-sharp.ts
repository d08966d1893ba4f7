/** Renders one picture again and again, as a render process does that is never out of work, until it is ended. */
import { readFile } from 'node:fs/promises';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { renderBare } from './bare-sharp.ts';

configureSharp();
const bytes = await readFile(new URL('../samples/ladybug.jpg', import.meta.url));
// A bench that fails leaves nothing at work behind.
process.on('disconnect', () => process.exit());
process.send?.('busy');
for (;;) await renderBare(bytes);
