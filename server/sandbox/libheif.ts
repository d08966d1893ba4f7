import type { Size } from '../core/operations/operation.ts';
import { type Cicp, type HeifFacts, type HeifPixels, type HeifTransformation, OF_TRACK } from './heif.ts';
import { LibheifHeap } from './libheif-heap.ts';

/** Values of heif_colorspace, heif_chroma and heif_channel. */
const [MONOCHROME, RGB] = [2, 1];
const INTERLEAVED = { 8: { opaque: 10, alpha: 11 }, 16: { opaque: 14, alpha: 15 } } as const;
const INTERLEAVED_CHANNEL = 10;

/** Of heif_security_limits: pixels of an image, which is the first 64-bit number behind the version. */
const MAX_PIXELS_OFFSET = 8;
/** In heif_decoding_options. */
const IGNORE_TRANSFORMATIONS = 1;
/** A crop, a turn and a mirror are what files have. */
const MAX_TRANSFORMATIONS = 16;
/** Of those that show something. */
const FIRST_TRACK = 0;

const fourcc = (type: string): number => Buffer.from(type, 'latin1').readUInt32BE();

/**
 * One file in a decoder of its own: what a hostile file does to its memory ends with it. Nothing is given back singly, as all
 * of it goes at once.
 */
export class HeifFile {
  readonly #heap = new LibheifHeap();
  readonly #context: number;
  /** Of the primary image; undefined for a sequence without one, of which it is the first. */
  readonly #handle: number | undefined;

  /**
   * @param maxPixels  of any image in the file, those that the primary one is put together of among them
   * @throws Problem `damaged_source`, `unsupported_source`, `too_many_pixels`, `unrenderable`
   */
  constructor(bytes: Uint8Array, maxPixels: number) {
    const heif = this.#heap.heif;
    this.#context = heif._heif_context_alloc();
    this.#heap
      .view()
      .setBigUint64(
        heif._heif_context_get_security_limits(this.#context) + MAX_PIXELS_OFFSET,
        BigInt(maxPixels),
        true,
      );
    const place = heif._malloc(bytes.length);
    heif.HEAPU8.set(bytes, place);
    this.#heap.do((error) =>
      heif._heif_context_read_from_memory_without_copy(error, this.#context, place, bytes.length, 0),
    );
    const handle = this.#heap.tries((error) =>
      heif._heif_context_get_primary_image_handle(error, this.#context, this.#heap.out),
    );
    if (!handle && !this.#hasSequence()) throw this.#heap.problem();
    this.#handle = handle ? this.#heap.number(this.#heap.out) : undefined;
  }

  facts(): HeifFacts {
    const heif = this.#heap.heif;
    const handle = this.#handle;
    if (handle === undefined) return this.#factsOfTrack();
    const blocks = this.#blocks(handle);
    const preferred = this.#heap.tries((error) =>
      heif._heif_image_handle_get_preferred_decoding_colorspace(
        error,
        handle,
        this.#heap.out,
        this.#heap.out + 4,
      ),
    );
    return {
      width: heif._heif_image_handle_get_width(handle),
      height: heif._heif_image_handle_get_height(handle),
      bits: heif._heif_image_handle_get_luma_bits_per_pixel(handle),
      isGrey: preferred && this.#heap.number(this.#heap.out) === MONOCHROME,
      hasAlpha: heif._heif_image_handle_has_alpha_channel(handle) !== 0,
      isPremultiplied: heif._heif_image_handle_is_premultiplied_alpha(handle) !== 0,
      hasSequence: this.#hasSequence(),
      profile: this.#profile(handle),
      cicp: this.#cicp(handle),
      exif: blocks.find(({ type }) => type === 'Exif')?.body,
      xmp: blocks.find(({ contentType }) => contentType === 'application/rdf+xml')?.body,
    };
  }

  /** @throws Problem as the constructor does */
  decode({ bits: deep, hasAlpha }: Pick<HeifFacts, 'bits' | 'hasAlpha'>): HeifPixels {
    const chroma = INTERLEAVED[deep > 8 ? 16 : 8][hasAlpha ? 'alpha' : 'opaque'];
    if (this.#handle === undefined) this.#decodeTrack(chroma);
    else this.#decodeImage(this.#handle, chroma);
    return this.#pixels(hasAlpha ? 4 : 3, deep > 8 ? 2 : 1);
  }

  #decodeTrack(chroma: number): void {
    const track = this.#heap.heif._heif_context_get_track(this.#context, FIRST_TRACK);
    this.#heap.do((error) =>
      this.#heap.heif._heif_track_decode_next_image(error, track, this.#heap.out, RGB, chroma, 0),
    );
  }

  #decodeImage(handle: number, chroma: number): void {
    const heif = this.#heap.heif;
    // libheif 1.23.2 turns the planes before it mixes them, and at odd sizes the colours of one edge are those of another.
    const options = heif._heif_decoding_options_alloc();
    heif.HEAPU8[options + IGNORE_TRANSFORMATIONS] = 1;
    this.#heap.do((error) => heif._heif_decode_image(error, handle, this.#heap.out, RGB, chroma, options));
  }

  #pixels(channels: 3 | 4, sampleBytes: 1 | 2): HeifPixels {
    const heif = this.#heap.heif;
    const image = this.#heap.number(this.#heap.out);
    const place = heif._heif_image_get_plane_readonly(image, INTERLEAVED_CHANNEL, this.#heap.out);
    const stride = this.#heap.number(this.#heap.out);
    const [width, height] = [
      heif._heif_image_get_width(image, INTERLEAVED_CHANNEL),
      heif._heif_image_get_height(image, INTERLEAVED_CHANNEL),
    ];
    const bits = heif._heif_image_get_bits_per_pixel_range(image, INTERLEAVED_CHANNEL);
    const row = width * channels * sampleBytes;
    // The gaps go where they are: a copy would be as large as the picture.
    for (let y = 1; y < height && stride !== row; y += 1)
      heif.HEAPU8.copyWithin(place + y * row, place + y * stride, place + y * stride + row);
    return { width, height, channels, bits, bytes: heif.HEAPU8.subarray(place, place + row * height) };
  }

  transformations(): HeifTransformation[] {
    const heif = this.#heap.heif;
    const context = this.#context;
    if (this.#handle === undefined) return [];
    const item = heif._heif_image_handle_get_item_id(this.#handle);
    const list = heif._malloc(4 * MAX_TRANSFORMATIONS);
    const count = heif._heif_item_get_transformation_properties(context, item, list, MAX_TRANSFORMATIONS);
    const properties = Array.from({ length: count }, (_, index) => this.#heap.number(list + 4 * index));
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
    const [left, top, right, bottom] = [0, 4, 8, 12].map((offset) => this.#heap.out + offset);
    this.#heap.heif._heif_item_get_property_transform_crop_borders(
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
    const side = (place = 0) => this.#heap.view().getInt32(place, true);
    return { left: side(left), top: side(top), right: side(right), bottom: side(bottom) };
  }

  #hasSequence(): boolean {
    return this.#heap.heif._heif_context_has_sequence(this.#context) !== 0;
  }

  #factsOfTrack(): HeifFacts {
    const track = this.#heap.heif._heif_context_get_track(this.#context, FIRST_TRACK);
    this.#heap.do((error) =>
      this.#heap.heif._heif_track_get_image_resolution(error, track, this.#heap.out, this.#heap.out + 2),
    );
    return {
      width: this.#heap.view().getUint16(this.#heap.out, true),
      height: this.#heap.view().getUint16(this.#heap.out + 2, true),
      hasAlpha: this.#heap.heif._heif_track_has_alpha_channel(track) !== 0,
      ...OF_TRACK,
    };
  }

  #profile(handle: number): Buffer | undefined {
    const heif = this.#heap.heif;
    const length = heif._heif_image_handle_get_raw_color_profile_size(handle);
    if (length === 0) return undefined;
    const place = heif._malloc(length);
    const isThere = this.#heap.tries((error) =>
      heif._heif_image_handle_get_raw_color_profile(error, handle, place),
    );
    return isThere ? this.#heap.copy(place, length) : undefined;
  }

  #cicp(handle: number): Cicp | undefined {
    const heif = this.#heap.heif;
    const isThere = this.#heap.tries((error) =>
      heif._heif_image_handle_get_nclx_color_profile(error, handle, this.#heap.out),
    );
    if (!isThere) return undefined;
    const nclx = this.#heap.number(this.#heap.out);
    const [primaries, transfer] = [this.#heap.number(nclx + 4), this.#heap.number(nclx + 8)];
    return { primaries, transfer, peak: this.#peak(handle) };
  }

  #peak(handle: number): number | undefined {
    const heif = this.#heap.heif;
    const isLevel = heif._heif_image_handle_get_content_light_level(handle, this.#heap.out) !== 0;
    const content = isLevel ? this.#heap.view().getUint16(this.#heap.out, true) : 0;
    if (content) return content;
    const isVolume =
      heif._heif_image_handle_get_mastering_display_colour_volume(handle, this.#heap.out) !== 0;
    return (isVolume && this.#heap.number(this.#heap.out + 16) / 10_000) || undefined;
  }

  #blocks(handle: number): { type: string; contentType: string; body: Buffer }[] {
    const heif = this.#heap.heif;
    const count = heif._heif_image_handle_get_number_of_metadata_blocks(handle, 0);
    const ids = heif._malloc(4 * count);
    const got = heif._heif_image_handle_get_list_of_metadata_block_IDs(handle, 0, ids, count);
    return Array.from({ length: got }, (_, index) => this.#heap.number(ids + 4 * index)).flatMap((block) => {
      const length = heif._heif_image_handle_get_metadata_size(handle, block);
      const place = heif._malloc(length);
      const isThere = this.#heap.tries((error) =>
        heif._heif_image_handle_get_metadata(error, handle, block, place),
      );
      const type = this.#heap.text(heif._heif_image_handle_get_metadata_type(handle, block));
      const contentType = this.#heap.text(heif._heif_image_handle_get_metadata_content_type(handle, block));
      return isThere ? [{ type, contentType, body: this.#heap.copy(place, length) }] : [];
    });
  }
}
