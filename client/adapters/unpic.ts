import { ALIASES, type Params } from '../parameters.ts';
import { parse } from '../parse.ts';
import { url } from '../url.ts';

/** unpic's own names; every parameter of ours is taken beside them. */
export interface Operations extends Params {
  readonly width?: number | string | undefined;
  readonly height?: number | string | undefined;
  readonly quality?: number | string | undefined;
  readonly format?: string | undefined;
}

interface Extracted {
  readonly src: string;
  readonly operations: Operations;
  readonly options: { readonly baseURL: string };
}

/** @param options  `baseURL` of the deployment where `src` is an id */
export function generate(src: string, operations: Operations, options: { baseURL?: string } = {}): string {
  const found = parse(src);
  const asked = Object.entries(operations).map(([name, value]) => [ALIASES[name] ?? name, value]);
  return url(options.baseURL ?? found?.base ?? '', found?.id ?? src, {
    ...found?.params,
    ...Object.fromEntries(asked),
  });
}

export function extract(address: string): Extracted | null {
  const found = parse(address);
  if (!found) return null;
  const { w, h, q, fmt, ...others } = found.params;
  const [width, height, quality] = [w, h, q].map((text) => (Number(text) ? Number(text) : text));
  const named = Object.entries({ width, height, quality, format: fmt }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    src: url(found.base, found.id),
    operations: { ...others, ...Object.fromEntries(named) },
    options: { baseURL: found.base },
  };
}

export function transform(src: string, operations: Operations, options: { baseURL?: string } = {}): string {
  const found = extract(src);
  return generate(found?.src ?? src, { ...found?.operations, ...operations }, options);
}
