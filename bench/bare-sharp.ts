import sharp from 'sharp';
import { codecQuality } from '../server/core/plan/quality.ts';

/** What a person would write with sharp alone, with the very settings that the server uses for w=800&fmt=webp. */
export function renderBare(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes)
    .autoOrient()
    .resize({ width: 800, withoutEnlargement: true })
    .webp({ quality: codecQuality('webp', 75), effort: 2 })
    .toBuffer();
}
