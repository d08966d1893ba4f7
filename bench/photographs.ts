import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { corpusPath, corpusRows } from '../test/support/corpus.ts';

export interface Photograph {
  readonly name: string;
  readonly path: string;
}

/** The photographs of the repository, or of a folder of one's own. */
export function photographs(folder?: string): Photograph[] {
  if (folder) return readdirSync(folder).map((name) => ({ name, path: join(folder, name) }));
  return corpusRows()
    .filter(
      ({ file, outcome }) =>
        outcome === 'decode' &&
        /^(photos|samples)\/.*\.(jpe?g|png)$/.test(file) &&
        !/cmyk|transparency/.test(file),
    )
    .map(({ file }) => ({ name: file, path: corpusPath(file) }));
}

/** New pictures that a server makes before it is measured: what is measured is the service, not the compiler of its code. */
export const WARM_UP = 1000;

/** Of 64 px. */
export const tinyPhotograph = (): Promise<Buffer> =>
  sharp(corpusPath('samples/ladybug.jpg')).resize(64).jpeg().toBuffer();

/** What a picture is held against: upright, as wide as the result, from all pixels of the original, without loss. */
export async function reference(path: string, width: number): Promise<Buffer> {
  const upright = await sharp(path)
    .rotate()
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { channels, height, width: all } = upright.info;
  return sharp(upright.data, { raw: { channels, height, width: all } })
    .resize({ width, withoutEnlargement: true })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
