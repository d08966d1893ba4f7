import { Problem } from '../shared/errors.ts';
import { loadLibheif } from './libheif-module.ts';

/** Values of heif_colorspace, heif_chroma and heif_channel. */
const [MONOCHROME, RGB] = [2, 1];
const INTERLEAVED = { 8: { opaque: 10, alpha: 11 }, 16: { opaque: 14, alpha: 15 } } as const;
const INTERLEAVED_CHANNEL = 10;

/** Code points of ITU-T H.273, and the brightest that is shown, in cd/m². */
export interface Cicp {
  readonly primaries: number;
  readonly transfer: number;
  readonly peak: number | undefined;
}

/** What is said of the primary image; orientation, mirror and crop are in its size. */
export interface HeifFacts {
  readonly width: number;
  readonly height: number;
  /** Of a sample: 8 to 16. */
  readonly bits: number;
  readonly isGrey: boolean;
  readonly hasAlpha: boolean;
  readonly isPremultiplied: boolean;
  readonly hasSequence: boolean;
  readonly profile: Buffer | undefined;
  readonly cicp: Cicp | undefined;
  readonly exif: Buffer | undefined;
  readonly xmp: Buffer | undefined;
}

/** Rows without gaps, 3 or 4 samples a pixel; they lie in the decoder's memory until it is let go of. */
export interface HeifPixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** Of a sample, 8 or more: it takes a byte, or two, the lower one first. */
  readonly bits: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Of heif_security_limits: pixels of an image, which is the first 64-bit number behind the version. */
const MAX_PIXELS_OFFSET = 8;
const ERROR_BYTES = 12;

/**
 * One file in a decoder of its own: what a hostile file does to its memory ends with it. Nothing is given back singly, as all
 * of it goes at once.
 */
export class HeifFile {
  readonly #heif = loadLibheif();
  readonly #context: number;
  readonly #handle: number;
  readonly #error: number;
  readonly #out: number;

  /**
   * @param maxPixels  of any image in the file, those that the primary one is put together of among them
   * @throws Problem `damaged_source`, `unsupported_source`, `too_many_pixels`, `unrenderable`
   */
  constructor(bytes: Uint8Array, maxPixels: number) {
    const heif = this.#heif;
    this.#error = heif._malloc(ERROR_BYTES);
    this.#out = heif._malloc(32);
    this.#context = heif._heif_context_alloc();
    this.#view().setBigUint64(
      heif._heif_context_get_security_limits(this.#context) + MAX_PIXELS_OFFSET,
      BigInt(maxPixels),
      true,
    );
    const place = heif._malloc(bytes.length);
    heif.HEAPU8.set(bytes, place);
    this.#do((error) =>
      heif._heif_context_read_from_memory_without_copy(error, this.#context, place, bytes.length, 0),
    );
    this.#do((error) => heif._heif_context_get_primary_image_handle(error, this.#context, this.#out));
    this.#handle = this.#number(this.#out);
  }

  facts(): HeifFacts {
    const heif = this.#heif;
    const handle = this.#handle;
    const blocks = this.#blocks();
    const preferred = this.#tries((error) =>
      heif._heif_image_handle_get_preferred_decoding_colorspace(error, handle, this.#out, this.#out + 4),
    );
    return {
      width: heif._heif_image_handle_get_width(handle),
      height: heif._heif_image_handle_get_height(handle),
      bits: heif._heif_image_handle_get_luma_bits_per_pixel(handle),
      isGrey: preferred && this.#number(this.#out) === MONOCHROME,
      hasAlpha: heif._heif_image_handle_has_alpha_channel(handle) !== 0,
      isPremultiplied: heif._heif_image_handle_is_premultiplied_alpha(handle) !== 0,
      hasSequence: heif._heif_context_has_sequence(this.#context) !== 0,
      profile: this.#profile(),
      cicp: this.#cicp(),
      exif: blocks.find(({ type }) => type === 'Exif')?.body,
      xmp: blocks.find(({ contentType }) => contentType === 'application/rdf+xml')?.body,
    };
  }

  /** @throws Problem as the constructor does */
  decode({ bits: deep, hasAlpha }: Pick<HeifFacts, 'bits' | 'hasAlpha'>): HeifPixels {
    const heif = this.#heif;
    const chroma = INTERLEAVED[deep > 8 ? 16 : 8][hasAlpha ? 'alpha' : 'opaque'];
    this.#do((error) => heif._heif_decode_image(error, this.#handle, this.#out, RGB, chroma, 0));
    const image = this.#number(this.#out);
    const place = heif._heif_image_get_plane_readonly(image, INTERLEAVED_CHANNEL, this.#out);
    const stride = this.#number(this.#out);
    const [width, height] = [
      heif._heif_image_get_width(image, INTERLEAVED_CHANNEL),
      heif._heif_image_get_height(image, INTERLEAVED_CHANNEL),
    ];
    const bits = heif._heif_image_get_bits_per_pixel_range(image, INTERLEAVED_CHANNEL);
    const channels = hasAlpha ? 4 : 3;
    const row = width * channels * (deep > 8 ? 2 : 1);
    // The gaps go where they are: a copy would be as large as the picture.
    for (let y = 1; y < height && stride !== row; y += 1)
      heif.HEAPU8.copyWithin(place + y * row, place + y * stride, place + y * stride + row);
    return { width, height, channels, bits, bytes: heif.HEAPU8.subarray(place, place + row * height) };
  }

  #view(): DataView {
    return new DataView(this.#heif.HEAPU8.buffer);
  }

  #number(place: number): number {
    return this.#view().getUint32(place, true);
  }

  #copy(place: number, length: number): Buffer {
    return Buffer.from(this.#heif.HEAPU8.subarray(place, place + length));
  }

  #text(place: number): string {
    return this.#copy(place, this.#heif.HEAPU8.indexOf(0, place) - place).toString('utf8');
  }

  /** Whether it went well; what comes out lies at `#out`. */
  #tries(call: (error: number) => void): boolean {
    call(this.#error);
    return this.#number(this.#error) === 0;
  }

  #do(call: (error: number) => void): void {
    if (this.#tries(call)) return;
    const [code, subcode] = [this.#number(this.#error), this.#number(this.#error + 4)];
    throw problemOf(code, subcode, this.#text(this.#number(this.#error + 8)));
  }

  #profile(): Buffer | undefined {
    const heif = this.#heif;
    const length = heif._heif_image_handle_get_raw_color_profile_size(this.#handle);
    if (length === 0) return undefined;
    const place = heif._malloc(length);
    const isThere = this.#tries((error) =>
      heif._heif_image_handle_get_raw_color_profile(error, this.#handle, place),
    );
    return isThere ? this.#copy(place, length) : undefined;
  }

  #cicp(): Cicp | undefined {
    const heif = this.#heif;
    const isThere = this.#tries((error) =>
      heif._heif_image_handle_get_nclx_color_profile(error, this.#handle, this.#out),
    );
    if (!isThere) return undefined;
    const nclx = this.#number(this.#out);
    const [primaries, transfer] = [this.#number(nclx + 4), this.#number(nclx + 8)];
    return { primaries, transfer, peak: this.#peak() };
  }

  #peak(): number | undefined {
    const heif = this.#heif;
    const isLevel = heif._heif_image_handle_get_content_light_level(this.#handle, this.#out) !== 0;
    const content = isLevel ? this.#view().getUint16(this.#out, true) : 0;
    if (content) return content;
    const isVolume =
      heif._heif_image_handle_get_mastering_display_colour_volume(this.#handle, this.#out) !== 0;
    return (isVolume && this.#number(this.#out + 16) / 10_000) || undefined;
  }

  #blocks(): { type: string; contentType: string; body: Buffer }[] {
    const heif = this.#heif;
    const handle = this.#handle;
    const count = heif._heif_image_handle_get_number_of_metadata_blocks(handle, 0);
    const ids = heif._malloc(4 * count);
    const got = heif._heif_image_handle_get_list_of_metadata_block_IDs(handle, 0, ids, count);
    return Array.from({ length: got }, (_, index) => this.#number(ids + 4 * index)).flatMap((block) => {
      const length = heif._heif_image_handle_get_metadata_size(handle, block);
      const place = heif._malloc(length);
      const isThere = this.#tries((error) =>
        heif._heif_image_handle_get_metadata(error, handle, block, place),
      );
      const type = this.#text(heif._heif_image_handle_get_metadata_type(handle, block));
      const contentType = this.#text(heif._heif_image_handle_get_metadata_content_type(handle, block));
      return isThere ? [{ type, contentType, body: this.#copy(place, length) }] : [];
    });
  }
}

/** heif_error_code and heif_suberror_code. */
const [UNSUPPORTED_FILE, UNSUPPORTED_FEATURE, MEMORY] = [3, 4, 6];
const SECURITY_LIMIT = 1000;

function problemOf(code: number, subcode: number, message: string): Problem {
  const cause = new Error(`libheif: ${message} (${code}, ${subcode})`);
  if (subcode === SECURITY_LIMIT || code === MEMORY)
    return new Problem('unrenderable', 'The HEIC is larger inside than this deployment decodes.', {}, cause);
  if (code === UNSUPPORTED_FILE || code === UNSUPPORTED_FEATURE) {
    const detail = 'This is a HEIF of a kind that is not decoded; readable are those with HEVC inside.';
    return new Problem('unsupported_source', detail, { received: 'a HEIF of a rare kind' }, cause);
  }
  return new Problem('damaged_source', 'The HEIC is damaged, or was cut.', {}, cause);
}
