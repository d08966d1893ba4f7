/** The picture that is shown: asked for as a page would, and measured. */
import { queryOf } from './address.js';
import { api, problemOf, problemOfAnswer, Refused } from './api.js';
import { FINISHED, follow } from './events.js';
import { signedAddress } from './signing.js';
import { current, say, update } from './store.js';
import { loadThumbnails } from './thumbnails.js';

/** As browsers send it for <img>; fetch alone would say that it takes anything. */
const ACCEPT = 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5';

const TYPING_MS = 150;

let running = new AbortController();
let timer;

/**
 * A picture as bytes, with the headers that say how it came about.
 *
 * @throws Refused
 */
export async function fetchPicture(address, signal) {
  const begun = performance.now();
  // Past the browser's own cache, or the tier would be that of the first time.
  const answer = await fetch(address, { headers: { Accept: ACCEPT }, cache: 'no-store', signal });
  if (!answer.ok) throw new Refused(answer.status, await problemOfAnswer(answer));
  const blob = await answer.blob();
  return { blob, headers: answer.headers, ms: performance.now() - begun };
}

async function resultOf({ address, id, params }, signal) {
  const { blob, headers, ms } = await fetchPicture(address, signal);
  const size = { width: Number(headers.get('x-image-width')), height: Number(headers.get('x-image-height')) };
  const shared = { id, params, ...size, headers, ms, type: blob.type, bytes: blob.size };
  if (blob.type.startsWith('text/')) return { ...shared, text: await blob.text() };
  return { ...shared, src: URL.createObjectURL(blob) };
}

/** Resolves when it can be drawn at once, or not at all. */
export async function decoded(src) {
  const image = new Image();
  image.src = src;
  await image.decode().catch(() => undefined);
}

/** Shows what id and params say, now. */
export async function show() {
  clearTimeout(timer);
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const { id, params } = current();
  if (!id) return update({ result: undefined, problem: undefined, explained: undefined, isBusy: false });
  update({ isBusy: true });
  try {
    const address = await signedAddress(id, params);
    if (signal.aborted) return;
    update({ address });
    const result = await resultOf({ address, id, params }, signal);
    replaceResult(signal, result);
  } catch (error) {
    if (signal.aborted) return;
    update({ problem: problemOf(error), isBusy: false });
  }
  await explain(id, params, signal);
}

/** The object URL before it goes as soon as the next picture stands. */
async function replaceResult(signal, result) {
  const before = current().result;
  if (result.src) await decoded(result.src);
  if (signal.aborted) {
    if (result.src) URL.revokeObjectURL(result.src);
    return;
  }
  update({ result, problem: undefined, isBusy: false });
  if (before?.src) setTimeout(() => URL.revokeObjectURL(before.src), 1000);
}

/** Again, once it is known that the API answers us. */
export function explainAgain() {
  const { id, params } = current();
  return id ? explain(id, params, running.signal) : undefined;
}

async function explain(id, params, signal) {
  if (!current().isReached || signal.aborted) return;
  try {
    const explained = await api.explain(id, queryOf(params), { signal, headers: { Accept: ACCEPT } });
    update({ explained });
  } catch {
    if (!signal.aborted) update({ explained: undefined });
  }
}

/** While somebody types or drags. */
export function showSoon() {
  clearTimeout(timer);
  timer = setTimeout(show, TYPING_MS);
}

let following = new AbortController();

/** What the records know of the image, and what becomes of it; a file that was put in without one has none. */
export async function loadImage() {
  following.abort();
  following = new AbortController();
  const { signal } = following;
  const { id, isReached } = current();
  if (!id || !isReached) return update({ image: undefined });
  const image = await api.image(id).catch(() => undefined);
  if (signal.aborted) return;
  update({ image });
  if (!image || FINISHED.includes(image.status)) return;
  await follow(id, (status) => update({ image: { ...current().image, ...status } }), signal);
}

/** Has the picture that is shown made ahead in all of its formats, and follows that. */
export async function makeAhead() {
  const { id, params } = current();
  await api.warm(id, [queryOf(params)]);
  say('Asked for; it is made ahead from now on.');
  await loadImage();
}

export async function editImage(change) {
  const { id } = current();
  const image = await api.edit(id, change);
  if (current().id === id) update({ image });
  say('Saved.');
}

/** Beside the ids of the library: no id contains a line break. */
export const presetKey = (id, name) => `${id}\n${name}`;

/** Presets as this picture looks in them. */
export async function loadPresets() {
  const { id, form } = current();
  if (!id) return;
  await loadThumbnails(form.presets.map(({ name: p }) => [presetKey(id, p), [id, { p }]]));
}
