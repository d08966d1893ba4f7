/** Ids and queries as URLs spell them. */

/** As the server writes it: an id is what the bucket calls it, blanks at its ends too. */
export const pathOfId = (id) => id.split('/').map(encodeURIComponent).join('/');

/** Keeps what may stand in a query as it is: 16:9 and 1,2,3. A comma at the end would be the end of a candidate in srcset. */
const escapeValue = (value) =>
  encodeURIComponent(value)
    .replace(/%2C(?!$)/g, ',')
    .replaceAll('%3A', ':');

/** @param params  texts by key; undefined and empty ones are left out */
export function queryOf(params) {
  return Object.entries(params)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${encodeURIComponent(key)}=${escapeValue(value)}`)
    .join('&');
}

const behind = (path, query) => (query ? `${path}?${query}` : path);

/** @param query  text, or texts by key */
export function addressOf(id, query) {
  return behind(`/img/${pathOfId(id)}`, typeof query === 'string' ? query : queryOf(query));
}

/** `#<id>?<query>`, so that what is shown can be sent to somebody. */
export const linkOf = (id, params) => `#${behind(pathOfId(id), queryOf(params))}`;

function decoded(escaped) {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
}

/** Id and query of a link. It may come from anywhere: a broken escape stays as it is. */
export function readLink(hash) {
  const [id, query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  return [id.replace(/(%[0-9a-f]{2})+/gi, decoded), query];
}

/**
 * Parameters of a query, aliases under their keys, in the order of the form.
 *
 * @param fields  parameters by key
 */
export function readParams(query, fields) {
  const keys = new Map(
    [...fields.values()].flatMap(({ key, aliases }) => [key, ...aliases].map((name) => [name, key])),
  );
  const found = {};
  for (const [name, value] of new URLSearchParams(query)) found[keys.get(name) ?? name] = value || '1';
  return inOrder(found, fields);
}

export function inOrder(params, fields) {
  const known = [...fields.keys()].filter((key) => key in params);
  const others = Object.keys(params).filter((key) => !fields.has(key));
  return Object.fromEntries([...known, ...others].map((key) => [key, params[key]]));
}
