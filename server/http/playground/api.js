import { pathOfId, queryOf } from './address.js';
import { current, update } from './store.js';

/** What the server refused, with the problem that it answered. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title);
    this.status = status;
    this.problem = problem;
  }
}

/** What went wrong, as the server says it where one answered. */
export const problemOf = (error) => error.problem ?? { title: 'No answer', detail: error.message };

export const authorization = () => {
  const { token } = current();
  return token ? { Authorization: `Bearer ${token}` } : {};
};

/** Of an answer that is none of success; a picture that stands in for one that is missing has no words. */
export async function problemOfAnswer(answer) {
  const type = answer.headers.get('content-type') ?? '';
  if (/json|^text\//.test(type)) return readProblem(answer.status, await answer.text());
  await answer.body?.cancel();
  const detail = answer.status === 404 ? 'There is no such picture.' : undefined;
  return { status: answer.status, title: `Status ${answer.status}`, detail };
}

/** RFC 9457, or what a proxy wrote instead. */
export function readProblem(status, text) {
  try {
    return { status, ...JSON.parse(text) };
  } catch {
    return { status, title: `Status ${status}`, detail: text.slice(0, 200) };
  }
}

/** Whoever may not use the API is asked for a token; a server without API has none to ask for. */
export function lockOn(problem) {
  if (problem.status === 401 || problem.code === 'forbidden') update({ locked: problem.detail });
}

/**
 * A call of the management API.
 *
 * @param body  sent as JSON
 * @returns     the parsed answer; undefined for one without a body
 * @throws Refused
 */
export async function call(method, path, body, { signal, headers } = {}) {
  const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await fetch(path, {
    method,
    signal: signal ?? null,
    headers: { ...json, ...headers, ...authorization() },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : undefined;
  const problem = readProblem(answer.status, text);
  lockOn(problem);
  throw new Refused(answer.status, problem);
}

const image = (id, action = '') => `/api/images/${pathOfId(id)}${action}`;

export const api = {
  images: (query) => call('GET', `/api/images?${queryOf(query)}`),
  image: (id) => call('GET', image(id)),
  edit: (id, change) => call('PATCH', image(id), change),
  remove: (id) => call('DELETE', image(id)),
  purge: (id) => call('POST', image(id, '/purge')),
  warm: (id, variants) => call('POST', image(id, '/variants'), { variants }),
  explain: (id, query, options) =>
    call('GET', `/api/explain/${pathOfId(id)}${query ? `?${query}` : ''}`, undefined, options),
  sign: (urls) => call('POST', '/api/sign', { urls }),
  collections: (cursor) => call('GET', `/api/collections?${queryOf({ limit: 100, cursor })}`),
  feeds: () => call('GET', '/api/feeds'),
  runFeed: (name, heldBy) =>
    call('POST', `/api/feeds/${name}/run?${queryOf({ vanished: heldBy && true, heldBy })}`),
  createCollection: (name) => call('POST', '/api/collections', { name }),
  removeCollection: (id) => call('DELETE', `/api/collections/${id}`),
  relate: (id, images) => call('POST', `/api/collections/${id}/relationships/images`, { images }),
  unrelate: (id, images) => call('DELETE', `/api/collections/${id}/relationships/images`, { images }),
};
