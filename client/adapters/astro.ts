import type { Params } from '../parameters.ts';
import { url } from '../url.ts';

/** Of `<Image>`; every other attribute goes into the page. */
interface Transform {
  /** Id of an image. */
  readonly src: string | { readonly src: string };
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly quality?: string | number | undefined;
  readonly format?: Params['fmt'] | undefined;
  readonly fit?: Params['fit'] | 'none' | undefined;
  readonly widths?: readonly number[] | undefined;
  readonly densities?: readonly (number | string)[] | undefined;
  readonly [attribute: string]: unknown;
}

interface ImageConfig {
  readonly service: { readonly config: { readonly base?: string } };
}

interface Candidate {
  readonly transform: Transform;
  readonly descriptor: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Words that `<Image>` takes for a quality, as numbers: those of Astro's own service. */
const QUALITIES: Readonly<Record<string, number>> = { low: 25, mid: 50, high: 80, max: 100 };

const idOf = ({ src }: Transform): string => (typeof src === 'string' ? src : src.src).replace(/^\//, '');

function getURL(options: Transform, { service }: ImageConfig): string {
  const { width: w, height: h, quality, format: fmt, fit } = options;
  const q = quality === 'auto' ? quality : (QUALITIES[String(quality)] ?? Number(quality ?? Number.NaN));
  const how = fit === 'none' ? undefined : fit;
  return url(service.config.base ?? '', idOf(options), {
    w,
    h,
    q: Number.isNaN(q) ? undefined : q,
    fmt,
    fit: how,
  });
}

function getSrcSet({ widths = [], densities = [], ...options }: Transform): Candidate[] {
  const { width = 0, height } = options;
  const at = (candidate: number, descriptor: string): Candidate => {
    const scaled = height && width ? Math.round((height * candidate) / width) : undefined;
    return { transform: { ...options, width: candidate, height: scaled }, descriptor, attributes: {} };
  };
  const dense = densities.map((density) =>
    at(Math.round(width * Number.parseFloat(String(density))), `${Number.parseFloat(String(density))}x`),
  );
  return [...dense, ...widths.map((candidate) => at(candidate, `${candidate}w`))];
}

function getHTMLAttributes(options: Transform): Record<string, unknown> {
  const {
    src,
    format,
    quality,
    widths,
    densities,
    fit,
    position,
    layout,
    priority,
    background,
    ...attributes
  } = options;
  return { loading: 'lazy', decoding: 'async', ...attributes };
}

/**
 * An image service of Astro: `image: { service: { entrypoint: 'rendition-client/astro', config: { base } } }`. What
 * `<Image>` names in `src` is the id of an image.
 */
export default {
  validateOptions: (options: Transform): Transform => options,
  getURL,
  getSrcSet,
  getHTMLAttributes,
};
