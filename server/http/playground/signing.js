import { addressOf } from './address.js';
import { api } from './api.js';
import { current } from './store.js';

/** Signed addresses by what was signed: a picture that is shown again is not signed again. */
const signed = new Map();

/** The API signs so many at once. */
const MOST = 100;

/** Path and query alone: the page asks the server that it came from, whatever its public name is. */
const withoutOrigin = (url) => url.replace(/^https?:\/\/[^/]+/, '');

/**
 * Addresses of pictures as this deployment serves them: signed by the API where it wants that.
 *
 * @param asked  `[id, query]`, the query as text or as texts by key
 * @throws Refused where the API does not sign for us
 */
export async function addressesOf(asked) {
  const plain = asked.map(([id, query]) => addressOf(id, query));
  if (!current().form.isSigned) return plain;
  const wanted = [...new Set(plain)].filter((address) => !signed.has(address));
  for (let from = 0; from < wanted.length; from += MOST) {
    const some = wanted.slice(from, from + MOST);
    const { urls } = await api.sign(some);
    for (const [index, address] of some.entries()) signed.set(address, withoutOrigin(urls[index]));
  }
  return plain.map((address) => signed.get(address));
}

export async function signedAddress(id, query) {
  const [address] = await addressesOf([[id, query]]);
  return address;
}

/** Scheme and host of the addresses that a page of somebody else is given. */
export const publicBase = () => (current().form.publicUrl ?? location.origin).replace(/\/$/, '');
