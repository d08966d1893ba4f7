/**
 * Bare sharp in a process of its own: what a person would write with sharp alone. It reads a file, renders it with the
 * settings of a request here or with those that imgproxy gives libvips, and tells how many bytes came out.
 */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { configureSharp } from '../../server/core/sharp/configure.ts';
import { type Bare, encodeBare } from './bare.ts';

configureSharp();
process.on('message', async ({ path, width, ...how }: Bare & { path: string; width: number }) => {
  const image = sharp(await readFile(path))
    .autoOrient()
    .resize({ width, withoutEnlargement: true });
  const bytes = await encodeBare(image, how).toBuffer();
  process.send?.(bytes.length);
});
process.send?.('ready');
