import { isProblem, Problem } from '../../shared/errors.ts';

/** sharp's own complaints about our calls, and libvips' about impossible geometry: our mistake, never the file's. */
const OURS = /^(Expected|Invalid|Unsupported input|extract_area: bad|Image to composite|.*does not support)/;
/** A decoder that got no memory says nothing about the file. */
const MEMORY = /out of memory|Insufficient memory|unable to allocate/i;
const PIXELS =
  /exceeds (pixel )?limit|Image dimensions too large|Maximum supported image dimension|Image size .* exceeds/i;

const PROCESSES: Readonly<Record<string, string>> = {
  c3: 'lossless',
  c7: 'lossless hierarchical',
  cb: 'lossless arithmetic-coded',
  cf: 'lossless hierarchical',
};

type Naming = string | ((match: RegExpMatchArray) => string);

/**
 * What decoders say of a file that is whole and that they cannot read, and what to call such a file: the words of
 * libjpeg-turbo (jerror.h), libtiff and libvips (tiff2vips.c), libheif (error.cc), libxml2 and librsvg (limits.rs). First match wins.
 */
const UNSUPPORTED: ReadonlyArray<readonly [RegExp, Naming]> = [
  [/Unsupported JPEG data precision (\d+)/, (match) => `a JPEG with ${match[1]} bits per sample`],
  [/JPEG process: SOF type 0x(..)/, (match) => `a ${PROCESSES[match[1] ?? ''] ?? 'hierarchical'} JPEG`],
  [/VipsJpeg: Unsupported marker type 0xd[ef]/, 'a hierarchical JPEG'],
  [/VipsJpeg: Unsupported marker type 0xf[78]/, 'a JPEG-LS'],
  [/Requested feature was omitted/, 'a lossless JPEG of a kind that is not part of this build'],
  [/Unsupported color conversion request/, 'a JPEG in colours that its decoder does not know'],
  [/Fractional sampling|CCIR601 sampling/, 'a JPEG with fractional sampling'],
  [/DNL not supported/, 'a JPEG that tells its height after the picture'],
  [/Old-style JPEG compression/, 'a TIFF with old-style JPEG inside'],
  [/([\w ]+) compression support is not configured/, (match) => `a TIFF with${match[1]} inside`],
  [/Compression scheme (\d+)/, (match) => `a TIFF of compression scheme ${match[1]}`],
  [/separate planes not supported/, 'a planar TIFF in tiles'],
  [/bad labq format|route from 'lab/, 'a TIFF in CIE L*a*b*'],
  [/LOGLUV|SGILog|LogLUV/, 'a TIFF in LogLuv'],
  [/exceeds channel limit/, 'a picture of more than 5 bands'],
  [/no known route from '/, 'a picture whose bands are not colours'],
  [
    /Unsupported BitsPerSample|unsupported tiff image|subsampled images|palette image not supported|colour depth not supported|"Predictor"|scanline oriented access|Wrong bitspersample|samples out of range/i,
    'a TIFF of a rare kind',
  ],
  [/Excessive depth in document/, 'an SVG of more than 256 elements inside one another'],
  [
    /maximum depth of (\d+) nested layers/,
    (match) => `an SVG of more than ${match[1]} layers inside one another`,
  ],
  [
    /more than (\d+) (XML|referenced) elements/,
    (match) => `an SVG of more than ${match[1]} ${match[2]} elements`,
  ],
  [/entity amplification|entity reference loop/, 'an SVG whose entities grow without bound'],
  [
    /no decoding plugin|Unsupported codec|Unsupported feature|not built with support/i,
    'a HEIF or AVIF of a rare kind',
  ],
];

/** How every decoder begins what it says of damaged bytes. A format that was told by its first bytes is none behind them. */
const DAMAGED =
  /corrupt header|unsupported image format|Warning treated as error|^(VipsJpeg|vipspng|pngload\w*|tiff2vips|webp|webp2vips|gifload\w*|heif: Invalid input|source|VipsIcc|.*premature end)|Security limit|not all pages are the same size/im;
/** All that is said of a PNG in scans that breaks off, by sharp or by the encoder that waits for its pixels. */
const SILENT = /^(Unknown error|\w+: unable to write to target \w+)$/;

/**
 * The public reason for an error of sharp. The only place that reads a message; test/corpus holds it to real files.
 * The message itself goes to the log as `cause`.
 *
 * @param format  of the original, where one is being read
 */
export function sharpProblem(error: unknown, format?: string): unknown {
  if (isProblem(error) || !(error instanceof Error)) return error;
  // sharp throws plain errors; a TypeError is a mistake in this program and must not be told as damage.
  if (error.name !== 'Error') return error;
  const text = error.message;
  if (/timeout: \d+% complete/.test(text)) {
    return new Problem('deadline', 'The render took too long and was stopped.', {}, error);
  }
  if (PIXELS.test(text)) {
    return new Problem('too_many_pixels', 'The original has more pixels than are allowed.', {}, error);
  }
  if (OURS.test(text) || MEMORY.test(text)) return error;
  return fileProblem(text, error, format);
}

function fileProblem(text: string, error: Error, format: string | undefined): Problem {
  for (const [pattern, naming] of UNSUPPORTED) {
    const match = text.match(pattern);
    if (!match) continue;
    const received = typeof naming === 'string' ? naming : naming(match);
    const detail = `This is ${received}, which cannot be read.`;
    return new Problem('unsupported_source', detail, { received }, error);
  }
  if (DAMAGED.test(text) || (SILENT.test(text.trim()) && format === 'png')) {
    return new Problem('damaged_source', 'The original is damaged and cannot be decoded whole.', {}, error);
  }
  const detail = 'The decoder gave up on this original for a reason that is not known; it may be whole.';
  return new Problem('unrenderable', detail, {}, error);
}
