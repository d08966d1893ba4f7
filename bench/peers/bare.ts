import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Sharp } from 'sharp';
import { DEFAULT_QUALITY, FORMAT_TABLE } from '../../server/core/plan/formats.ts';
import { endProgram } from '../../test/support/command.ts';
import { treeCpuMs } from '../process-tree.ts';
import type { Lossy } from './contestants.ts';

export interface Bare {
  readonly format: Lossy;
  /** The settings of a request here, or those that imgproxy 4.0 gives libvips by default. */
  readonly settings: 'ours' | 'imgproxy';
  /** Of imgproxy's; ours has the default. */
  readonly quality?: number;
}

const SAME = { lossless: false, progressive: undefined, chroma: '420', colors: undefined, loop: 0 } as const;

/** Encodes with nothing but sharp. */
export function encodeBare(image: Sharp, { format, settings, quality = 80 }: Bare): Sharp {
  if (settings === 'ours')
    return FORMAT_TABLE[format].encode(image, {
      ...SAME,
      quality: DEFAULT_QUALITY,
      effort: 'live',
      delay: [],
    });
  if (format === 'jpeg') return image.jpeg({ quality, optimiseCoding: true, progressive: false });
  if (format === 'webp') return image.webp({ quality, effort: 4 });
  // Its AVIF speed is 8 of 9, which libvips calls effort 1.
  return image.avif({ quality, effort: 1, chromaSubsampling: '4:2:0' });
}

export interface BareProcess {
  cpuMs(): number;
  /** Resolves to how many bytes came out. */
  render(path: string, width: number, how: Bare): Promise<number>;
  stop(): Promise<unknown>;
}

export async function startBare(): Promise<BareProcess> {
  const child = fork(new URL('./bare-process.ts', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return {
    cpuMs: () => treeCpuMs(child.pid ?? 0),
    render: async (path, width, how) => {
      child.send({ path, width, ...how });
      const [bytes] = (await once(child, 'message')) as [number];
      return bytes;
    },
    stop: () => endProgram(child, 'SIGKILL'),
  };
}
