import type { Params } from '../parameters.ts';
import { url } from '../url.ts';

interface LoaderProps {
  readonly src: string;
  readonly width: number;
  readonly quality?: number | undefined;
}

/**
 * A loader of `next/image`: `images: { loader: 'custom', loaderFile: './loader.ts' }`, and in that file
 * `export default nextLoader('https://img.example.com')`. `src` is the id of an image.
 */
export function nextLoader(base: string, params: Params = {}): (props: LoaderProps) => string {
  return ({ src, width, quality }) =>
    url(base, src.replace(/^\//, ''), { ...params, w: width, q: quality ?? params.q });
}
