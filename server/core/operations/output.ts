import { choice, flag, operation, param } from './operation.ts';

const LOSSY_ONLY = ['fmt=png', 'fmt=gif', 'ph'];

export const icc = operation({
  name: 'icc',
  group: 'format',
  summary: 'Colour space of the result.',
  params: {
    icc: choice(['srgb', 'p3', 'keep'], {
      fallback: 'srgb',
      never: ['icc=p3 fmt=gif', 'icc=keep fmt=gif'],
      idle: ['ph'],
      label: 'Colour space',
      doc: 'sRGB, Display P3, or the profile of the original; CMYK always goes through ICC.',
    }),
  },
  example: 'w=160&icc=p3',
});

export const meta = operation({
  name: 'meta',
  group: 'format',
  summary: 'What is kept of EXIF, IPTC and XMP.',
  params: {
    meta: choice(['none', 'copyright', 'keep'], {
      fallback: 'copyright',
      idle: ['fmt=gif', 'ph'],
      label: 'Metadata',
      doc: 'Nothing, author and copyright, or all: keep leaks GPS and is refused unless the deployment allows it.',
    }),
  },
});

export const FORMATS = ['avif', 'webp', 'jpeg', 'png', 'gif'] as const;

/** Of `q`: predicted for each picture. */
const AUTO = ['enum', { $auto: 'auto' }] as const;
const readQuality = (text: string): number | 'auto' => (text === 'auto' ? text : Number(text));

export const encode = operation({
  name: 'encode',
  group: 'format',
  summary: 'Format and size of the file.',
  params: {
    fmt: choice(['auto', ...FORMATS, 'source', 'auto-avif', 'auto-base'], {
      others: { jpg: 'jpeg', pjpg: 'jpeg' },
      aliases: ['fm', 'format', 'output'],
      fallback: 'auto',
      idle: ['ph'],
      label: 'Format',
      doc: 'auto: the best that Accept allows; source: the format of the original. auto is resolved to auto-avif, webp or auto-base.',
    }),
    q: param([['int', 1, 100], AUTO], readQuality, {
      fallback: '75',
      aliases: ['quality'],
      idle: [...LOSSY_ONLY, 'lossless'],
      label: 'Quality',
      doc: "Quality on JPEG's scale, mapped to each codec so that one number looks alike in all. auto: predicted for each picture, so that all look alike.",
    }),
    lossless: flag({
      never: ['lossless q', 'lossless mb', 'lossless fmt=jpeg', 'lossless fmt=gif'],
      idle: ['fmt=png', 'ph'],
      label: 'Lossless',
      doc: 'Every pixel as it is: WebP, AVIF.',
    }),
    progressive: param([['flag', '1']], (text) => text === '1', {
      unset: '1 for jpeg, 0 for png',
      idle: [
        'progressive=1 fmt=jpeg',
        'progressive=0 fmt=png',
        'fmt=webp',
        'fmt=avif',
        'fmt=auto-avif !colors',
        'fmt=gif',
        'ph',
      ],
      label: 'Progressive',
      doc: 'JPEG in scans, PNG interlaced.',
    }),
    chroma: choice(['420', '444'], {
      fallback: '420',
      never: ['chroma=444 fmt=webp'],
      // A JPEG that fmt=source leads to is not lossless, whatever is asked.
      idle: [...['!fmt', 'fmt=avif', 'fmt=auto-base'].map((other) => `lossless ${other}`), ...LOSSY_ONLY],
      label: 'Colour detail',
      doc: 'Colour at half (420) or full (444) resolution: JPEG, AVIF.',
    }),
    colors: param([['steps', '2', '4', '16', '256']], Number, {
      never: ['colors fmt=jpeg', 'colors fmt=webp', 'colors fmt=avif'],
      idle: ['ph', 'colors=256 fmt=gif'],
      label: 'Palette colours',
      doc: 'Palette for PNG and GIF, rounded up to 2, 4, 16 or 256.',
    }),
    effort: choice(['fast', 'std', 'small'], {
      fallback: 'std',
      idle: ['ph'],
      label: 'Encoding effort',
      doc: 'CPU spent on a smaller file.',
    }),
    mb: param([['bytes', 1000, 10_000_000]], Number, {
      aliases: ['max-bytes'],
      idle: ['ph'],
      label: 'Largest file',
      doc: 'Bytes, as 90000, 90k or 2M: the highest quality up to q that fits.',
    }),
  },
  example: 'w=160&fmt=webp&q=60',
});

export const placeholder = operation({
  name: 'placeholder',
  group: 'format',
  summary: 'A few bytes to show until the image is there, instead of the image.',
  params: {
    ph: choice(['thumbhash', 'blurhash', 'lqip', 'color'], {
      label: 'Placeholder',
      doc: 'text/plain: Base64 ThumbHash, BlurHash, a data: URL of a tiny WebP, or #rrggbb.',
    }),
  },
});
