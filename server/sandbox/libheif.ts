import type { Size } from '../core/operations/operation.ts';
import { type Cicp, type HeifFacts, type HeifPixels, type HeifTransformation, problemOf } from './heif.ts';
import { loadLibheif } from './libheif-module.ts';

/** Values of heif_colorspace, heif_chroma and heif_channel. */
const [MONOCHROME, RGB] = [2, 1];
const INTERLEAVED = { 8: { opaque: 10, alpha: 11 }, 16: { opaque: 14, alpha: 15 } } as const;
const INTERLEAVED_CHANNEL = 10;

/** Of heif_security_limits: pixels of an image, which is the first 64-bit number behind the version. */
const MAX_PIXELS_OFFSET = 8;
const ERROR_BYTES = 12;
/** In heif_decoding_options. */
const IGNORE_TRANSFORMATIONS = 1;
/** A crop, a turn and a mirror are what files have. */
const MAX_TRANSFORMATIONS = 16;

const fourcc = (type: string): number => Buffer.from(type, 'latin1').readUInt32BE();

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
    // libheif 1.23.2 turns the planes before it mixes them, and at odd sizes the colours of one edge are those of another.
    const options = heif._heif_decoding_options_alloc();
    heif.HEAPU8[options + IGNORE_TRANSFORMATIONS] = 1;
    this.#do((error) => heif._heif_decode_image(error, this.#handle, this.#out, RGB, chroma, options));
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

  transformations(): HeifTransformation[] {
    const heif = this.#heif;
    const context = this.#context;
    const item = heif._heif_image_handle_get_item_id(this.#handle);
    const list = heif._malloc(4 * MAX_TRANSFORMATIONS);
    const count = heif._heif_item_get_transformation_properties(context, item, list, MAX_TRANSFORMATIONS);
    const properties = Array.from({ length: count }, (_, index) => this.#number(list + 4 * index));
    return properties.map((property): HeifTransformation => {
      const type = heif._heif_item_get_property_type(context, item, property);
      if (type === fourcc('irot'))
        return { clockwise: -heif._heif_item_get_property_transform_rotation_ccw(context, item, property) };
      if (type === fourcc('imir')) {
        const direction = heif._heif_item_get_property_transform_mirror(context, item, property);
        return { mirror: direction === 1 ? 'left-right' : 'top-bottom' };
      }
      return { crop: (frame) => this.#borders(item, property, frame) };
    });
  }

  #borders(item: number, property: number, { width, height }: Size) {
    const [left, top, right, bottom] = [0, 4, 8, 12].map((offset) => this.#out + offset);
    this.#heif._heif_item_get_property_transform_crop_borders(
      this.#context,
      item,
      property,
      width,
      height,
      left ?? 0,
      top ?? 0,
      right ?? 0,
      bottom ?? 0,
    );
    const side = (place = 0) => this.#view().getInt32(place, true);
    return { left: side(left), top: side(top), right: side(right), bottom: side(bottom) };
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
