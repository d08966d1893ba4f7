// Generated from the table of operations by `npm run docs`.

/** What can be asked of a picture. Px are CSS px, multiplied by `dpr`. */
export interface Params {
  /** Page of a TIFF, frame of a GIF or WebP; counting from 1. Allowed: 1-1000. */
  readonly page?: number | undefined;
  /** Animation: kept when the original moves and the format can (auto), never (0), or in a format that can (1). Allowed: auto 0 1. */
  readonly anim?: 'auto' | '0' | 0 | '1' | 1 | undefined;
  /** auto turns the picture upright; 0 leaves the pixels as stored. Allowed: auto 0. */
  readonly orient?: 'auto' | '0' | 0 | undefined;
  /** Region in px of the original, or in fractions after r; clamped to the image (X-Image-Warning says so). Allowed: (0-65,500),(0-65,500),(1-65,500),(1-65,500), or r,(0-1),(0-1),(0.001-1),(0.001-1). */
  readonly rect?: string | readonly (string | number)[] | undefined;
  /** Tolerance; a bare trim means 10. Allowed: 1-99, or 1 0 true false. */
  readonly trim?: number | boolean | 0 | 1 | undefined;
  /** Width in CSS px. Allowed: 1-8192. */
  readonly w?: number | undefined;
  /** Height in CSS px. Allowed: 1-8192. */
  readonly h?: number | undefined;
  /** Aspect ratio: computes the missing side; without w and h the picture is cropped to it. Allowed: W:H or a decimal, 0.01-100. */
  readonly ar?: number | string | undefined;
  /** How the picture meets the box; has a meaning with both sides or with ar. Allowed: inside cover contain fill outside. */
  readonly fit?: 'inside' | 'cover' | 'contain' | 'fill' | 'outside' | 'clip' | 'max' | 'scale-down' | 'crop' | 'pad' | 'scale' | 'force' | 'stretch' | 'squeeze' | 'min' | undefined;
  /** What a crop keeps, or where fit=contain puts the picture. Allowed: center n ne e se s sw w nw entropy attention focal. */
  readonly g?: 'center' | 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w' | 'nw' | 'entropy' | 'attention' | 'focal' | 'top' | 'right' | 'bottom' | 'left' | 'smart' | undefined;
  /** Focal point x,y of the upright image. Allowed: (0-1),(0-1). */
  readonly fp?: string | readonly (string | number)[] | undefined;
  /** Tightens a crop. Allowed: 1-10. */
  readonly zoom?: number | undefined;
  /** Device pixel ratio, rounded up to quarters and to at least 1: multiplies every value in px. Allowed: 0.5-5, rounded up to quarters and to at least 1. */
  readonly dpr?: number | undefined;
  /** Allow enlarging; without it a crop keeps its aspect and shrinks the box. Allowed: 1 0 true false. */
  readonly up?: boolean | 0 | 1 | undefined;
  /** Degrees, clockwise; corners show bg. Allowed: 0-359. */
  readonly rot?: number | undefined;
  /** Mirror left to right (h), top to bottom (v), or both; after rot. Allowed: h v hv. */
  readonly flip?: 'h' | 'v' | 'hv' | 'vh' | undefined;
  /** Stretch the luminance. Allowed: 1 0 true false. */
  readonly norm?: boolean | 0 | 1 | undefined;
  /** Gamma; above 1 is lighter. Allowed: 1-3. */
  readonly gam?: number | undefined;
  /** Brightness in percent. Allowed: -100 to 100. */
  readonly bri?: number | undefined;
  /** Saturation in percent; -100 is grey. Allowed: -100 to 100. */
  readonly sat?: number | undefined;
  /** Turns the hue, in degrees. Allowed: 0-359. */
  readonly hue?: number | undefined;
  /** Contrast in percent; -100 is flat grey. Allowed: -100 to 100. */
  readonly con?: number | undefined;
  /** Shades of grey. Allowed: 1 0 true false. */
  readonly gray?: boolean | 0 | 1 | undefined;
  /** Strength in percent. Allowed: 0-100. */
  readonly sepia?: number | undefined;
  /** Colour. Allowed: colour: hex of 3 or 6 with or without #, CSS name. */
  readonly tint?: string | undefined;
  /** dark,light colours. Allowed: (colour: hex of 3 or 6 with or without #, CSS name),(colour: hex of 3 or 6 with or without #, CSS name). */
  readonly duo?: string | readonly (string | number)[] | undefined;
  /** Negative. Allowed: 1 0 true false. */
  readonly inv?: boolean | 0 | 1 | undefined;
  /** Lightness from which a pixel is white. Allowed: 0-255. */
  readonly thr?: number | undefined;
  /** Side of the window in pixels of the result, whatever `dpr`; 1 changes nothing. Allowed: 1-15. */
  readonly median?: number | undefined;
  /** Sigma in CSS px. Allowed: 0.3-100. */
  readonly blur?: number | undefined;
  /** Sigma in pixels of the result, whatever `dpr`. Allowed: 0.1-10. */
  readonly sharp?: number | undefined;
  /** Block in CSS px. Allowed: 2-100. */
  readonly pix?: number | undefined;
  /** Radius in CSS px, or max for half the shorter side. Allowed: 0-4096, or max. */
  readonly r?: number | 'max' | undefined;
  /** Shape. Allowed: ellipse. */
  readonly mask?: 'ellipse' | undefined;
  /** Name of a registered watermark; never a URL. Allowed: text of the form [A-Za-z0-9][A-Za-z0-9_-]{0,63}. */
  readonly wm?: string | undefined;
  /** Where the mark stands. Allowed: center n ne e se s sw w nw. */
  readonly wmg?: 'center' | 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w' | 'nw' | 'top' | 'right' | 'bottom' | 'left' | undefined;
  /** Opacity in percent. Allowed: 1-100. */
  readonly wmo?: number | undefined;
  /** Width in percent of the picture. Allowed: 1-100. */
  readonly wms?: number | undefined;
  /** Distance from the edge, or between tiles, in CSS px; at most an eighth of the shorter side. Allowed: 0-4000. */
  readonly wmp?: number | undefined;
  /** Lays the mark all over the picture, side by side. Allowed: 1 0 true false. */
  readonly wmt?: boolean | 0 | 1 | undefined;
  /** Text of a mark that is a template, base64url of 1 to 200 bytes of UTF-8; in signed URLs only. Allowed: text of the form (?:[A-Za-z0-9_-]{4}){1,66}, or text of the form (?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-][AQgw], or text of the form (?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]. */
  readonly wmx?: string | undefined;
  /** Name of a registered watermark that lies above `wm`, with settings of its own. Allowed: text of the form [A-Za-z0-9][A-Za-z0-9_-]{0,63}. */
  readonly wm2?: string | undefined;
  /** Where the mark stands. Allowed: center n ne e se s sw w nw. */
  readonly wm2g?: 'center' | 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w' | 'nw' | 'top' | 'right' | 'bottom' | 'left' | undefined;
  /** Opacity in percent. Allowed: 1-100. */
  readonly wm2o?: number | undefined;
  /** Width in percent of the picture. Allowed: 1-100. */
  readonly wm2s?: number | undefined;
  /** Distance from the edge, or between tiles, in CSS px; at most an eighth of the shorter side. Allowed: 0-4000. */
  readonly wm2p?: number | undefined;
  /** Lays the mark all over the picture, side by side. Allowed: 1 0 true false. */
  readonly wm2t?: boolean | 0 | 1 | undefined;
  /** Text of a mark that is a template, base64url of 1 to 200 bytes of UTF-8; in signed URLs only. Allowed: text of the form (?:[A-Za-z0-9_-]{4}){1,66}, or text of the form (?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-][AQgw], or text of the form (?:[A-Za-z0-9_-]{4}){0,66}[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]. */
  readonly wm2x?: string | undefined;
  /** CSS px, or top,right,bottom,left. Allowed: px 0-1000, or top,right,bottom,left. */
  readonly pad?: number | readonly [number, number, number, number] | undefined;
  /** px,colour. Allowed: (1-1000),(colour: hex of 3, 4, 6 or 8 with or without #, CSS name, transparent). */
  readonly border?: string | readonly (string | number)[] | undefined;
  /** Colour. Allowed: colour: hex of 3, 4, 6 or 8 with or without #, CSS name, transparent. */
  readonly bg?: string | undefined;
  /** sRGB, Display P3, or the profile of the original; CMYK always goes through ICC. Allowed: srgb p3 keep. */
  readonly icc?: 'srgb' | 'p3' | 'keep' | undefined;
  /** Nothing, author and copyright, or all: keep leaks GPS and is refused unless the deployment allows it. Allowed: none copyright keep. */
  readonly meta?: 'none' | 'copyright' | 'keep' | undefined;
  /** auto: the best that Accept allows; source: the format of the original. auto is resolved to auto-avif, webp or auto-base. Allowed: auto avif webp jpeg png gif source auto-avif auto-base. */
  readonly fmt?: 'auto' | 'avif' | 'webp' | 'jpeg' | 'png' | 'gif' | 'source' | 'auto-avif' | 'auto-base' | 'jpg' | 'pjpg' | undefined;
  /** Quality on JPEG's scale, mapped to each codec so that one number looks alike in all. auto: predicted for each picture, so that all look alike. Allowed: 1-100, or auto. */
  readonly q?: number | 'auto' | undefined;
  /** Every pixel as it is: WebP, AVIF. Allowed: 1 0 true false. */
  readonly lossless?: boolean | 0 | 1 | undefined;
  /** JPEG in scans, PNG interlaced. Allowed: 1 0 true false. */
  readonly progressive?: boolean | 0 | 1 | undefined;
  /** Colour at half (420) or full (444) resolution: JPEG, AVIF. Allowed: 420 444. */
  readonly chroma?: '420' | 420 | '444' | 444 | undefined;
  /** Palette for PNG and GIF, rounded up to 2, 4, 16 or 256. Allowed: 2-256, rounded up to one of 2 4 16 256. */
  readonly colors?: number | undefined;
  /** CPU spent on a smaller file. Allowed: fast std small. */
  readonly effort?: 'fast' | 'std' | 'small' | undefined;
  /** Bytes, as 90000, 90k or 2M: the highest quality up to q that fits. Allowed: 1000-10,000,000 bytes, k and M allowed. */
  readonly mb?: number | string | undefined;
  /** text/plain: Base64 ThumbHash, BlurHash, a data: URL of a tiny WebP, or #rrggbb. Allowed: thumbhash blurhash lqip color. */
  readonly ph?: 'thumbhash' | 'blurhash' | 'lqip' | 'color' | undefined;
  /** A registered preset; parameters beside it win. Allowed: text of the form [A-Za-z0-9][A-Za-z0-9_-]{0,63}. */
  readonly p?: string | undefined;
  /** Download: a bare dl, or the file name. Allowed: 1 0 true false, or text of the form [^/\\\u0000-\u001f\u007f"]{1,100}. */
  readonly dl?: boolean | 0 | 1 | string | undefined;
  /** A version that the page knows; equal to the current one, the answer is cached for ever. Allowed: text of the form [A-Za-z0-9_-]{1,64}. */
  readonly v?: string | undefined;
}

/** Other names of parameters. */
export const ALIASES: Readonly<Record<string, string>> = {
  extract: 'rect',
  width: 'w',
  height: 'h',
  gravity: 'g',
  position: 'g',
  crop: 'g',
  enlarge: 'up',
  rotate: 'rot',
  normalize: 'norm',
  gamma: 'gam',
  grayscale: 'gray',
  greyscale: 'gray',
  duotone: 'duo',
  negate: 'inv',
  threshold: 'thr',
  sharpen: 'sharp',
  pixelate: 'pix',
  radius: 'r',
  background: 'bg',
  fm: 'fmt',
  format: 'fmt',
  output: 'fmt',
  quality: 'q',
  'max-bytes': 'mb',
  preset: 'p',
};
