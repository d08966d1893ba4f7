import { ALIASES, type Params } from '../parameters.ts';
import { url } from '../url.ts';

interface Options {
  readonly modifiers?: (Params & Readonly<Record<string, unknown>>) | undefined;
  readonly baseURL?: string | undefined;
}

export function getImage(src: string, { modifiers = {}, baseURL = '' }: Options): { url: string } {
  const params = Object.entries(modifiers).map(([name, value]) => [ALIASES[name] ?? name, value]);
  return { url: url(baseURL, src.replace(/^\//, ''), Object.fromEntries(params)) };
}

/** A provider of @nuxt/image 2: `image: { providers: { rendition: { provider: 'rendition-client/nuxt', options: { baseURL } } } }`. */
export default (): { getImage: typeof getImage } => ({ getImage });
