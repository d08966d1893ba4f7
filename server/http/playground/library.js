/** The pictures of the deployment, and what is done to them. */
import { api, problemOf, Refused } from './api.js';
import { addressesOf } from './signing.js';
import { sliding } from './slide.js';
import { current, patch, say, update } from './store.js';
import { loadThumbnails } from './thumbnails.js';

const PAGE = 24;

/** Pages that are asked for in a row while a search finds nothing: each has looked at some hundreds of images. */
const ROUNDS = 10;

let round = 0;

/** Shows the first page of what the search and the collection say. */
export async function loadLibrary(change = {}) {
  patch('library', { ...change, items: [], next: undefined, isLoading: true, problem: undefined });
  await more();
}

export async function more() {
  round += 1;
  const mine = round;
  patch('library', { isLoading: true });
  if (current().form.api === 'none') {
    await append(await samplesAlone());
    return patch('library', { isLoading: false });
  }
  try {
    for (let rounds = 0; rounds < ROUNDS; rounds++) {
      const page = await nextPage();
      if (mine !== round) return;
      await append(page);
      if (page.items.length > 0 || !page.next) break;
    }
    update({ isReached: true, locked: undefined });
  } catch (error) {
    if (mine !== round) return;
    if (!(error instanceof Refused) || !current().locked) patch('library', { problem: problemOf(error) });
    await append(await samplesAlone());
  }
  patch('library', { isLoading: false });
}

let refreshing = Promise.resolve();

/** What is new stands in front, and nothing of the list moves away: files of an upload come in one by one. */
export function refreshLibrary() {
  refreshing = refreshing.then(showNewest).catch(() => undefined);
  return refreshing;
}

async function showNewest() {
  const { text, collection } = current().library;
  // Where the new ones belong in the order of a search is not known.
  if (text) return;
  const { items } = await api.images({ limit: PAGE, collection });
  const { library } = current();
  if (library.text || library.collection !== collection) return;
  const newest = new Set(items.map(({ id }) => id));
  const merged = [...items, ...library.items.filter(({ id }) => !newest.has(id))];
  await sliding('.grid > li', async () => patch('library', { items: merged }));
  const known = current().thumbnails;
  await showThumbnails([...newest].filter((id) => !known[id]));
}

function nextPage() {
  const { text, how, collection, next } = current().library;
  return api.images({
    limit: PAGE,
    [how]: text.trim(),
    collection,
    cursor: next,
  });
}

async function append({ items, next }) {
  const { library } = current();
  const listed = new Set(library.items.map(({ id }) => id));
  const fresh = items.filter(({ id }) => !listed.has(id));
  const isWhole = !next && !library.text && !library.collection;
  const more = isWhole ? await samplesBeside([...library.items, ...fresh]) : [];
  patch('library', { items: [...library.items, ...fresh, ...more], next });
  await showThumbnails([...fresh, ...more].map(({ id }) => id));
}

/** Files without a record, as `put` of a first start leaves them: those of the samples that are there. */
async function samplesBeside(items) {
  const listed = new Set(items.map(({ id }) => id));
  const ids = current().form.samples.filter((id) => !listed.has(id));
  const { thumbnail } = current().form;
  // Without a token nothing can be signed, and so nothing of theirs be shown.
  const addresses = await addressesOf(ids.map((id) => [id, thumbnail])).catch(() => []);
  const heads = addresses.map((address) => fetch(address, { method: 'HEAD' }));
  const answers = await Promise.all(heads);
  return ids.filter((_id, index) => answers[index]?.ok).map((id) => ({ id, title: null }));
}

const samplesAlone = async () => ({ items: await samplesBeside([]), next: undefined });

function showThumbnails(ids) {
  const { thumbnail } = current().form;
  return loadThumbnails(ids.map((id) => [id, [id, thumbnail]]));
}

export async function loadCollections() {
  const found = [];
  for (let cursor; ; ) {
    const { items, next } = await api.collections(cursor);
    found.push(...items);
    if (!next) break;
    cursor = next;
  }
  update({ collections: found });
}

/** Does it to each, says what became of them, and shows the list anew. Resolves to the problems. */
async function toEach(ids, work, done) {
  const problems = [];
  for (const id of ids) {
    await work(id).catch((error) => {
      problems.push(problemOf(error));
    });
  }
  const right = ids.length - problems.length;
  say(`${right} of ${ids.length} ${done}.`);
  return problems;
}

export async function removeImages(ids) {
  const problems = await toEach(ids, api.remove, 'deleted');
  const isGone = new Set(problems.length ? [] : ids);
  update({ selection: undefined });
  if (isGone.has(current().id)) location.hash = '';
  await Promise.all([loadLibrary(), loadCollections()]);
  return problems;
}

export const purgeImages = (ids) => toEach(ids, api.purge, 'purged');

export async function createCollection(name) {
  const made = await api.createCollection(name);
  await loadCollections();
  say(`Collection ${name} made.`);
  return made;
}

export async function removeCollection(id) {
  await api.removeCollection(id);
  await Promise.all([loadCollections(), loadLibrary({ collection: '' })]);
  say('Collection deleted.');
}

/** An answer names what is wrong of all: a list of more is sent in parts. */
const PART = 50;

async function regroup(ids, work, done) {
  for (let from = 0; from < ids.length; from += PART) await work(ids.slice(from, from + PART));
  update({ selection: undefined });
  await Promise.all([loadCollections(), loadLibrary()]);
  say(`${ids.length} ${done}.`);
}

export const addToCollection = (collection, ids) =>
  regroup(ids, (part) => api.relate(collection, part), 'put into the collection');

export const takeFromCollection = (collection, ids) =>
  regroup(ids, (part) => api.unrelate(collection, part), 'taken out of the collection');

export function toggleSelection(id) {
  const { selection } = current();
  const next = new Set(selection);
  if (!next.delete(id)) next.add(id);
  update({ selection: next });
}
