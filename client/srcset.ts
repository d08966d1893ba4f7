import type { Params } from './parameters.ts';
import { url } from './url.ts';

/** From a thumbnail to a whole screen of two device pixels. */
export const WIDTHS: readonly number[] = [160, 320, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840];

/** Device pixels of a side: the server refuses more. */
const MOST = 8192;

export interface SrcsetOptions {
  /** Of the candidates, in px; WIDTHS when absent. */
  readonly widths?: readonly number[] | undefined;
  /** Of the original: candidates stop there, since nothing is enlarged. */
  readonly originalWidth?: number | undefined;
  /** For a picture of one size in CSS px: candidates for these device pixel ratios in place of widths. */
  readonly densities?: readonly number[] | undefined;
}

/**
 * Candidates of `<img srcset>`. A height beside a width stands for their ratio, which all candidates keep. None has a
 * side that the server would refuse.
 *
 * @see https://html.spec.whatwg.org/multipage/images.html#srcset-attributes
 */
export function srcset(base: string, id: string, params: Params = {}, options: SrcsetOptions = {}): string {
  const { densities } = options;
  const asked: readonly (readonly [Params, string])[] = densities
    ? densities.map((dpr) => [{ ...params, dpr }, `${dpr}x`])
    : widthsOf(options).map((w) => [{ ...params, ...boxOf(params, w) }, `${w}w`]);
  return asked
    .filter(([candidate]) => isServed(candidate))
    .map(([candidate, descriptor]) => `${url(base, id, candidate)} ${descriptor}`)
    .join(', ');
}

function isServed({ w = 0, h = 0, dpr = 1 }: Params): boolean {
  return Math.max(w, h) * Math.max(1, Math.ceil(dpr * 4) / 4) <= MOST;
}

function boxOf({ w, h }: Params, width: number): Params {
  return w && h ? { w: width, h: Math.max(1, Math.round((width * h) / w)) } : { w: width };
}

function widthsOf({ widths = WIDTHS, originalWidth = Number.POSITIVE_INFINITY }: SrcsetOptions): number[] {
  const most = Math.min(originalWidth, MOST);
  const below = widths.filter((width) => width < most);
  return below.length < widths.length ? [...below, most] : below;
}

/**
 * The `sizes` of an `<img>`: how wide it is where a condition holds, and otherwise.
 *
 * @param rules  as `['(min-width: 60rem)', '50vw']`; the first that holds decides
 */
export function sizes(
  rules: readonly (readonly [media: string, length: string])[],
  otherwise: string,
): string {
  return [...rules.map(([media, length]) => `${media} ${length}`), otherwise].join(', ');
}
