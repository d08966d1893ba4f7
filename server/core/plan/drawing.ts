import type { Geometry } from '../geometry/geometry.ts';
import type { Box } from '../geometry/turns.ts';
import type { Size } from '../operations/operation.ts';

/** librsvg inside libvips draws no further. */
const MAX_RASTER_SIDE = 32_767;

export interface Drawing {
  /** px that the whole SVG is drawn on. */
  readonly raster: Size;
  /** The geometry with its region in px of the raster. */
  readonly geometry: Geometry;
  /** The raster was held under the limit: the picture is enlarged from it. */
  readonly held: boolean;
}

/** Chooses the raster on which the region of a geometry has the size that is asked for. */
export function drawingOf(natural: Size, geometry: Geometry, maxPixels: number): Drawing {
  const { region = { left: 0, top: 0, ...natural }, scaled } = geometry;
  const target = {
    width: (natural.width * scaled.width) / region.width,
    height: (natural.height * scaled.height) / region.height,
  };
  const share = Math.min(
    1,
    Math.sqrt(maxPixels / (target.width * target.height)),
    MAX_RASTER_SIDE / Math.max(target.width, target.height),
  );
  const side = (length: number) => Math.max(1, (share < 1 ? Math.floor : Math.round)(length * share));
  const raster = { width: side(target.width), height: side(target.height) };
  const drawn = geometry.region && regionOn(raster, natural, geometry.region);
  return { raster, geometry: { ...geometry, region: drawn }, held: share < 1 };
}

function regionOn(raster: Size, natural: Size, region: Box): Box {
  const [across, down] = [raster.width / natural.width, raster.height / natural.height];
  const width = Math.min(raster.width, Math.max(1, Math.round(region.width * across)));
  const height = Math.min(raster.height, Math.max(1, Math.round(region.height * down)));
  return {
    left: Math.min(Math.round(region.left * across), raster.width - width),
    top: Math.min(Math.round(region.top * down), raster.height - height),
    width,
    height,
  };
}

/** A box on a raster, in natural px: fractions of a pixel are kept. */
export function naturalBox(box: Box, raster: Size, natural: Size): Box {
  const [across, down] = [natural.width / raster.width, natural.height / raster.height];
  return {
    left: box.left * across,
    top: box.top * down,
    width: box.width * across,
    height: box.height * down,
  };
}
