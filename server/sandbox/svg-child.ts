/**
 * Draws SVGs in a process of its own, which the parent kills when a drawing takes too long or too much memory:
 * librsvg cannot be interrupted from within. Reads nothing but the bytes or the one file it is sent; librsvg is given no base
 * address, so that no reference to a file or host can be followed.
 */
import { readFile } from 'node:fs/promises';
import { measureSvg, rasterizeSvg } from '../core/render/svg.ts';
import { configureSharp } from '../core/sharp/configure.ts';
import type { SvgAnswer, SvgTask } from './svg.ts';

configureSharp();

async function work({ svg, size, timeoutSeconds }: SvgTask): Promise<Omit<SvgAnswer, 'task'>> {
  // Read here: a path would be its base address.
  const bytes = typeof svg === 'string' ? await readFile(svg) : svg;
  return size ? rasterizeSvg(bytes, size, { timeoutSeconds }) : measureSvg(bytes);
}

process.on('message', (task: SvgTask) => {
  work(task).then(
    (answer) => process.send?.({ ...answer, task: task.task }),
    (error: unknown) =>
      process.send?.({ task: task.task, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
