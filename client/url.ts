import type { Params } from './parameters.ts';

/** As people write it: what needs no escape in a query stays. */
const escaped = (text: string): string => encodeURIComponent(text).replace(/%(2C|3A)/g, decodeURIComponent);

/** Numbers as computed, 16 / 9: the server reads three places. */
const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(textOf).join();
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  return String(typeof value === 'boolean' ? Number(value) : value);
};

/** Parameters as a query, in the order in which they are written; undefined ones are left out. */
export function query(params: Params): string {
  return Object.entries(params)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${escaped(textOf(value))}`)
    .join('&');
}

/**
 * Address of a picture.
 *
 * @param base  scheme and host of the deployment, and a prefix where it has one
 * @param id    of the image, as it was uploaded: not escaped
 */
export function url(base: string, id: string, params: Params = {}): string {
  const asked = query(params);
  const path = encodeURIComponent(id).replaceAll('%2F', '/');
  return `${base.replace(/\/$/, '')}/img/${path}${asked && `?${asked}`}`;
}
