import { headChunks } from './png.ts';
import type { SourceFormat } from './sniff.ts';

const MAJOR_BRAND = 8;

/** Brands of an ISO base media file, the major one first (ISO/IEC 14496-12, 4.3). */
function brandsOf(file: Buffer): string[] {
  const end = Math.min(file.readUInt32BE(0), file.length);
  const brands = [file.toString('latin1', MAJOR_BRAND, MAJOR_BRAND + 4)];
  for (let start = 16; start + 4 <= end; start += 4) brands.push(file.toString('latin1', start, start + 4));
  return brands;
}

/** Whether a picture moves and only its first frame can be read: APNG, AVIF sequences. */
export function showsFirstOnly(format: SourceFormat, bytes: Uint8Array): boolean {
  if (format === 'png') return headChunks(bytes).some(({ type }) => type === 'acTL');
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return format === 'avif' && brandsOf(file).includes('avis');
}

/**
 * An AVIF sequence as the still picture that it holds as well (AVIF 1.1, 6.2): libvips goes by the major brand.
 *
 * @returns  the same bytes where it is none
 */
export function asStill(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.toString('latin1', MAJOR_BRAND, MAJOR_BRAND + 4) !== 'avis') return bytes;
  const copy = Buffer.from(file);
  copy.write('avif', MAJOR_BRAND, 'latin1');
  return copy;
}
