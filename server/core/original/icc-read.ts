/** Where things stand in a profile (ICC.1, 7.2 and 7.3). */
const [VERSION, DEVICE, CONNECTION, SIGNATURE, COUNT, TABLE] = [8, 16, 20, 36, 128, 132];
const ENTRY_BYTES = 12;
/** Newest that lcms reads. */
const MAX_MAJOR = 5;

const DEVICES = { rgb: 'RGB ', grey: 'GRAY', cmyk: 'CMYK' } as const;

/** Tags of a profile that is a curve a channel and a matrix, and the types that each may have. */
const SHAPER: Readonly<Record<keyof typeof DEVICES, readonly string[] | undefined>> = {
  rgb: ['rXYZ', 'gXYZ', 'bXYZ', 'rTRC', 'gTRC', 'bTRC'],
  grey: ['kTRC'],
  cmyk: undefined,
};
const TABLES = ['A2B0', 'A2B1', 'D2B0', 'D2B1'];

const TYPES: Readonly<Record<string, readonly string[]>> = {
  XYZ: ['XYZ '],
  TRC: ['curv', 'para'],
  A2B: ['mft1', 'mft2', 'mAB '],
  D2B: ['mpet'],
};

/** Parameters of each kind of parametric curve. */
const PARAMETERS = [1, 3, 4, 5, 7];

/**
 * Whether a profile can be worked with, by its structure alone. sharp shows a picture whose profile it cannot use as if
 * it were sRGB, and then hands the useless profile on.
 *
 * @param device  of the picture that carries it
 */
export function isUsableProfile(profile: Uint8Array, device: keyof typeof DEVICES): boolean {
  const bytes = Buffer.from(profile.buffer, profile.byteOffset, profile.byteLength);
  const text = (offset: number) => bytes.toString('latin1', offset, offset + 4);
  if (bytes.length < TABLE || text(SIGNATURE) !== 'acsp' || (bytes[VERSION] ?? 0) > MAX_MAJOR) return false;
  if (text(DEVICE) !== DEVICES[device] || !['XYZ ', 'Lab '].includes(text(CONNECTION))) return false;
  const tags = tagsOf(bytes);
  const isGood = (name: string) => isGoodTag(name, tags.get(name));
  return TABLES.some(isGood) || (SHAPER[device]?.every(isGood) ?? false);
}

/** Bodies of tags by their signature, as far as they lie in the profile. */
export function tagsOf(bytes: Buffer): Map<string, Buffer> {
  const tags = new Map<string, Buffer>();
  const end = Math.min(bytes.length, TABLE + ENTRY_BYTES * bytes.readUInt32BE(COUNT));
  for (let entry = TABLE; entry + ENTRY_BYTES <= end; entry += ENTRY_BYTES) {
    const [offset, length] = [bytes.readUInt32BE(entry + 4), bytes.readUInt32BE(entry + 8)];
    if (offset + length <= bytes.length)
      tags.set(bytes.toString('latin1', entry, entry + 4), bytes.subarray(offset, offset + length));
  }
  return tags;
}

function isGoodTag(name: string, body: Buffer | undefined): boolean {
  if (!body || body.length < 12) return false;
  const type = body.toString('latin1', 0, 4);
  const allowed = TYPES[name.slice(1)] ?? TYPES[name.slice(0, 3)];
  if (!allowed?.includes(type)) return false;
  if (type === 'XYZ ') return body.length >= 20;
  if (type === 'curv') return body.length >= 12 + 2 * body.readUInt32BE(8);
  if (type === 'para')
    return body.length >= 12 + 4 * (PARAMETERS[body.readUInt16BE(8)] ?? Number.POSITIVE_INFINITY);
  return true;
}
