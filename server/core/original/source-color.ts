import { readAvifColour, withAvifProfile } from './avif.ts';
import type { ColorSpace } from './color-space.ts';
import { isHdr, isSrgb } from './color-space.ts';
import { isUsableProfile } from './icc-read.ts';
import { greyAsRgb, plainCmykProfile, writeProfile } from './icc-write.ts';
import { withJpegProfile } from './jpeg.ts';
import { readPngColour, withPngProfile } from './png.ts';
import type { SourceFormat } from './sniff.ts';
import type { Header, SourceColor } from './source.ts';

const NONE: SourceColor = { hasProfile: false, replacement: undefined, isHdr: false, isUnknown: false };

type Device = 'rgb' | 'grey' | 'cmyk';

/**
 * Reads what an original says of its colours, in a profile or otherwise.
 *
 * @param header  of the same bytes
 */
export function readSourceColor(format: SourceFormat, bytes: Uint8Array, header: Header): SourceColor {
  if (format === 'svg' || format === 'gif') return NONE;
  const device = deviceOf(header);
  if (format === 'png' || format === 'heic') return ofPng(bytes, header, device);
  const isUsable = header.icc !== undefined && isUsableProfile(header.icc, device);
  if (isUsable && header.icc) return profiled(header.icc, header);
  const isUnknown = header.hasProfile === true;
  if (format === 'avif') {
    const { space, ...said } = readAvifColour(bytes);
    return { ...replaced(space, 'rgb'), isUnknown: isUnknown || said.isUnknown };
  }
  if (format === 'jpeg' && device === 'cmyk')
    return { ...NONE, hasProfile: true, replacement: plainCmykProfile(), isUnknown };
  return { ...NONE, isUnknown };
}

function deviceOf({ space }: Header): Device {
  if (space === 'cmyk') return 'cmyk';
  return space === 'b-w' || space === 'grey16' ? 'grey' : 'rgb';
}

function ofPng(bytes: Uint8Array, header: Header, device: Device): SourceColor {
  const said = readPngColour(bytes, (profile) => isUsableProfile(profile, device));
  if ('profile' in said) return { ...profiled(said.profile, header), isUnknown: said.isUnknown };
  const found = replaced(said.space, header.space === 'grey16' ? 'rgb' : device);
  return { ...found, isUnknown: said.isUnknown || found.isUnknown };
}

/** sharp looks at no profile of 16 bits of grey: they are read as colours, of which the profile is one. */
function profiled(profile: Buffer, { space, pages = 1 }: Header): SourceColor {
  if (space !== 'grey16') return { ...NONE, hasProfile: true };
  const replacement = pages === 1 ? greyAsRgb(profile) : undefined;
  return {
    ...NONE,
    hasProfile: replacement !== undefined,
    replacement,
    isUnknown: replacement === undefined,
  };
}

function replaced(space: ColorSpace | undefined, device: Device): SourceColor {
  if (!space || isSrgb(space)) return NONE;
  const replacement = writeProfile(space, device === 'grey');
  if (!replacement) return { ...NONE, isUnknown: true };
  return { ...NONE, hasProfile: true, replacement, isHdr: isHdr(space) };
}

/**
 * A copy of an original that carries a profile of ours, and nothing that contradicts it.
 *
 * @param profile  of readSourceColor
 */
export function withProfile(format: SourceFormat, bytes: Uint8Array, profile: Uint8Array): Uint8Array {
  // A HEIC is opened by its master, which is a PNG.
  if (format === 'png' || format === 'heic') return withPngProfile(bytes, profile);
  if (format === 'jpeg') return withJpegProfile(bytes, profile);
  return withAvifProfile(bytes, profile) ?? bytes;
}
