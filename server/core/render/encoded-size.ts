import type { Size } from '../operations/operation.ts';
import { readJpegHeader } from '../original/jpeg.ts';
import type { Format } from '../plan/formats.ts';

/** px of a frame, as the header of a file says; undefined where it is not where an encoder writes it. */
const READERS: Readonly<Record<Format, (bytes: Buffer) => Size | undefined>> = {
  /** IHDR is the first chunk (PNG 11.2.2). */
  png: (bytes) => ({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }),
  /** Logical screen (GIF89a, 18). */
  gif: (bytes) => ({ width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }),
  jpeg: readJpegHeader,
  webp: readWebp,
  avif: readAvif,
};

/** The canvas of VP8X, or the frame of VP8L or VP8 where there is nothing else (RFC 9649, 2.5-2.7). */
function readWebp(bytes: Buffer): Size | undefined {
  const kind = bytes.toString('latin1', 12, 16);
  if (kind === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (kind === 'VP8L') {
    const bits = bytes.readUInt32LE(21);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (kind !== 'VP8 ') return undefined;
  return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
}

/** Image spatial extents (ISO/IEC 23008-12, 6.5.3); those of the picture itself come first, its alpha is as large. */
function readAvif(bytes: Buffer): Size | undefined {
  const start = bytes.indexOf('ispe', 0, 'latin1');
  return start < 0
    ? undefined
    : { width: bytes.readUInt32BE(start + 8), height: bytes.readUInt32BE(start + 12) };
}

/**
 * Holds a file to the size that was planned.
 *
 * @param size  px of a frame
 * @throws      where the file is of another size: no header may say what the picture is not
 */
export function checkEncoded(bytes: Buffer, format: Format, size: Size): void {
  const found = READERS[format](bytes);
  if (found?.width === size.width && found.height === size.height) return;
  throw new TypeError(
    `Planned ${size.width} x ${size.height} px, encoded ${found?.width} x ${found?.height} as ${format}.`,
  );
}
