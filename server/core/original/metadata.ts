import type { Exif } from 'sharp';
import { EXIF_TAGS, readExif, textIn, textOf } from './exif.ts';
import type { Header } from './source.ts';
import { dublinCore, writeDublinCore } from './xmp.ts';

/** IPTC IIM datasets that name an author or owner (IPTC-IIM 4.2, record 2). */
const IPTC = { byline: 80, credit: 110, copyright: 116 } as const;

/** Many times what a JPEG can hold of them. */
const IPTC_BYTES = 2 ** 20;

/** Where the datasets start: at once, or in the IPTC resource (0x0404) of a Photoshop block. */
function startOfIptc(bytes: Buffer): number {
  const resource = bytes.indexOf('8BIM\u0004\u0004', 0, 'latin1');
  if (resource < 0) return 0;
  const name = bytes[resource + 6] ?? 0;
  // A Pascal string of even length, then four bytes of size.
  return resource + 6 + 2 * Math.ceil((name + 1) / 2) + 4;
}

/** Text of the datasets of record 2, by number; the first of each. */
function readIptc(block: Uint8Array): Map<number, string> {
  const bytes = Buffer.from(block.buffer, block.byteOffset, Math.min(block.byteLength, IPTC_BYTES));
  const found = new Map<number, string>();
  let offset = startOfIptc(bytes);
  while (offset + 5 <= bytes.length && bytes[offset] === 0x1c) {
    const length = bytes.readUInt16BE(offset + 3);
    const dataset = bytes[offset + 2] ?? 0;
    if (bytes[offset + 1] === 2 && !found.has(dataset))
      found.set(dataset, textOf(bytes.subarray(offset + 5, offset + 5 + length)));
    offset += 5 + length;
  }
  return found;
}

/** Printable, without the NULs that cameras pad with; undefined when nothing is left. */
function clean(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = value.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return text === '' ? undefined : text.slice(0, 512);
}

/**
 * Author and copyright of an original, from EXIF, IPTC or XMP, as EXIF for the result; undefined when it has neither.
 *
 * @param tags  its EXIF, or a file that is made like one: a TIFF
 * @param page  of a TIFF, counting from 0
 */
export function copyrightOf(
  metadata: Header,
  tags: Uint8Array | undefined = metadata.exif,
  page = 0,
): Exif | undefined {
  // Broken EXIF is common and must not cost anyone the picture.
  const exif = tags && readExif(tags, page);
  const iptc = metadata.iptc ? readIptc(metadata.iptc) : new Map<number, string>();
  const said = (tag: number) => clean(exif && textIn(exif, tag));
  const inXmp = (name: 'rights' | 'creator') => clean(metadata.xmp && dublinCore(metadata.xmp, name));
  const artist =
    said(EXIF_TAGS.artist) ??
    clean(iptc.get(IPTC.byline)) ??
    inXmp('creator') ??
    clean(iptc.get(IPTC.credit));
  const copyright = said(EXIF_TAGS.copyright) ?? clean(iptc.get(IPTC.copyright)) ?? inXmp('rights');
  if (!artist && !copyright) return undefined;
  return { IFD0: { ...(artist ? { Artist: artist } : {}), ...(copyright ? { Copyright: copyright } : {}) } };
}

/** What EXIF can say in ASCII alone, as XMP; undefined where ASCII is enough. */
export function unabridged({ IFD0 = {} }: Exif): string | undefined {
  const { Artist: creator, Copyright: rights } = IFD0;
  const isAscii = [creator, rights].every((text) => !/[^\0-\x7f]/.test(text ?? ''));
  return isAscii
    ? undefined
    : writeDublinCore({ ...(creator ? { creator } : {}), ...(rights ? { rights } : {}) });
}
