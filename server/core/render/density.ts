/** Dots per inch of every result, as a file that says nothing is read. */
export const DENSITY = 72;

const SIGNATURE_BYTES = 8;
/** Length, type and CRC of a chunk. */
const FRAME_BYTES = 12;
/** The same in dots per metre, whole with its CRC (PNG, 11.3.4.3). */
const PHYS = Buffer.from('0000000970485973' + '00000b1300000b1301' + '009a9c18', 'hex');

/**
 * Makes a PNG say DENSITY, in place. libvips writes what it knows: the density of the original in a single pass, its
 * own default where pixels were handed over or shared, and one URL would have two ETags.
 */
export function fixDensity(png: Buffer): void {
  for (let offset = SIGNATURE_BYTES; offset + PHYS.length <= png.length; ) {
    const type = png.toString('latin1', offset + 4, offset + 8);
    if (type === 'IDAT') return;
    if (type === 'pHYs') PHYS.copy(png, offset);
    offset += FRAME_BYTES + png.readUInt32BE(offset);
  }
}
