import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What is used of libheif's C functions (heif.h); a struct that is returned goes where the first argument points. */
interface Functions {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  readonly _malloc: (bytes: number) => number;
  readonly _heif_context_alloc: () => number;
  readonly _heif_context_get_security_limits: (context: number) => number;
  readonly _heif_context_read_from_memory_without_copy: (
    error: number,
    context: number,
    bytes: number,
    length: number,
    options: number,
  ) => void;
  readonly _heif_context_get_primary_image_handle: (error: number, context: number, out: number) => void;
  readonly _heif_context_has_sequence: (context: number) => number;
  readonly _heif_context_get_track: (context: number, track: number) => number;
  readonly _heif_track_get_image_resolution: (
    error: number,
    track: number,
    width: number,
    height: number,
  ) => void;
  readonly _heif_track_has_alpha_channel: (track: number) => number;
  readonly _heif_track_decode_next_image: (
    error: number,
    track: number,
    out: number,
    colourSpace: number,
    chroma: number,
    options: number,
  ) => void;
  readonly _heif_image_handle_get_width: (handle: number) => number;
  readonly _heif_image_handle_get_height: (handle: number) => number;
  readonly _heif_image_handle_get_luma_bits_per_pixel: (handle: number) => number;
  readonly _heif_image_handle_has_alpha_channel: (handle: number) => number;
  readonly _heif_image_handle_is_premultiplied_alpha: (handle: number) => number;
  readonly _heif_image_handle_get_preferred_decoding_colorspace: (
    error: number,
    handle: number,
    colourSpace: number,
    chroma: number,
  ) => void;
  readonly _heif_image_handle_get_raw_color_profile_size: (handle: number) => number;
  readonly _heif_image_handle_get_raw_color_profile: (error: number, handle: number, out: number) => void;
  readonly _heif_image_handle_get_nclx_color_profile: (error: number, handle: number, out: number) => void;
  readonly _heif_image_handle_get_content_light_level: (handle: number, out: number) => number;
  readonly _heif_image_handle_get_mastering_display_colour_volume: (handle: number, out: number) => number;
  readonly _heif_image_handle_get_number_of_metadata_blocks: (handle: number, filter: number) => number;
  readonly _heif_image_handle_get_list_of_metadata_block_IDs: (
    handle: number,
    filter: number,
    out: number,
    count: number,
  ) => number;
  readonly _heif_image_handle_get_metadata_type: (handle: number, block: number) => number;
  readonly _heif_image_handle_get_metadata_content_type: (handle: number, block: number) => number;
  readonly _heif_image_handle_get_metadata_size: (handle: number, block: number) => number;
  readonly _heif_image_handle_get_metadata: (
    error: number,
    handle: number,
    block: number,
    out: number,
  ) => void;
  readonly _heif_decode_image: (
    error: number,
    handle: number,
    out: number,
    colourSpace: number,
    chroma: number,
    options: number,
  ) => void;
  readonly _heif_decoding_options_alloc: () => number;
  readonly _heif_image_handle_get_item_id: (handle: number) => number;
  readonly _heif_item_get_transformation_properties: (
    context: number,
    item: number,
    out: number,
    count: number,
  ) => number;
  readonly _heif_item_get_property_type: (context: number, item: number, property: number) => number;
  readonly _heif_item_get_property_transform_mirror: (
    context: number,
    item: number,
    property: number,
  ) => number;
  readonly _heif_item_get_property_transform_rotation_ccw: (
    context: number,
    item: number,
    property: number,
  ) => number;
  readonly _heif_item_get_property_transform_crop_borders: (
    context: number,
    item: number,
    property: number,
    width: number,
    height: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
  ) => void;
  readonly _heif_image_get_plane_readonly: (image: number, channel: number, stride: number) => number;
  readonly _heif_image_get_width: (image: number, channel: number) => number;
  readonly _heif_image_get_height: (image: number, channel: number) => number;
  readonly _heif_image_get_bits_per_pixel_range: (image: number, channel: number) => number;
}

const require = createRequire(import.meta.url);
/** Read when the first HEIC comes: most processes never see one. */
let binary: Uint8Array | undefined;

/** A decoder of its own: it shares no memory with another. */
export function loadLibheif(): Functions {
  binary ??= readFileSync(require.resolve('libheif-js/libheif-wasm/libheif.wasm'));
  const instantiate: (options: {
    wasmBinary: Uint8Array;
    print: () => void;
    printErr: () => void;
  }) => Functions = require('libheif-js/libheif-wasm/libheif.js');
  const silent = () => undefined;
  return instantiate({ wasmBinary: binary, print: silent, printErr: silent });
}
