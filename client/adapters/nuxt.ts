import { ALIASES, type Params } from '../parameters.ts';
import { url } from '../url.ts';

interface Options {
  readonly modifiers?: (Params & Readonly<Record<string, unknown>>) | undefined;
  readonly baseURL?: string | undefined;
}

export function getImage(src: string, { modifiers = {}, baseURL = '' }: Options): { url: string } {
  // What a page does not say is undefined here, and would be said over what `:modifiers` says under another name.
  const told = Object.entries(modifiers).filter(([, value]) => value !== undefined);
  const params = told.map(([name, value]) => [ALIASES[name] ?? name, value]);
  return { url: url(baseURL, src.replace(/^\//, ''), Object.fromEntries(params)) };
}

/** A provider of @nuxt/image 2: `image: { providers: { rendition: { provider: 'rendition-client/nuxt', options: { baseURL } } } }`. */
export default (): { getImage: typeof getImage } => ({ getImage });
