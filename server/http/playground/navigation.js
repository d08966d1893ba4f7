/** What is shown, in the address bar: a link can be sent, and Back goes back one thought. */
import { inOrder, linkOf, queryOf, readLink, readParams } from './address.js';
import { loadImage, loadPresets, show, showSoon } from './picture.js';
import { current, update } from './store.js';

/** Changes of one parameter in so short a time are one thought: a slider that is dragged, a number that is typed. */
const THOUGHT_MS = 1000;

let before = { key: '', time: 0 };

export const fields = () => current().fields;

function remember(key) {
  const { id, params } = current();
  const isSame = key === before.key && performance.now() - before.time < THOUGHT_MS;
  before = { key, time: performance.now() };
  const link = linkOf(id, params);
  if (isSame) history.replaceState(null, '', link);
  else history.pushState(null, '', link);
}

/** Sets parameters; undefined, empty and default values go out of the query. */
export function setParams(change) {
  const params = { ...current().params };
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined || value === '' || value === fields().get(key)?.fallback) delete params[key];
    else params[key] = value;
  }
  update({ params: inOrder(params, fields()) });
  remember(Object.keys(change).join());
  showSoon();
}

/** All of them at once, as a preset or a reset does. */
export function replaceParams(params) {
  update({ params: inOrder(params, fields()) });
  remember('');
  show();
}

/** What a person sees first of a picture: small enough for any connection. */
function firstParams() {
  const { isPresetsOnly, thumbnail, allowedWidths } = current().form;
  if (isPresetsOnly) return readParams(thumbnail, fields());
  const width = allowedWidths.find((allowed) => allowed >= 640) ?? allowedWidths.at(-1) ?? 800;
  return { w: String(width) };
}

/** What is set is in sight. */
function groupsOf(params) {
  const { form, openGroups } = current();
  const isSet = ({ parameters }) => parameters.some(({ key }) => params[key] !== undefined);
  return new Set([...openGroups, ...form.groups.filter(isSet).map(({ name }) => name)]);
}

export function openImage(id) {
  const params = current().id ? current().params : firstParams();
  update({ id, params, section: 'edit', tool: undefined, image: undefined, formats: undefined });
  remember(`open ${id}`);
  loadImage();
  loadPresets();
  focusIfHidden('edit-title');
  return show();
}

/** In a narrow window the section that was left is gone, and with it what had the focus. */
export function focusIfHidden(heading) {
  requestAnimationFrame(() => {
    if (document.activeElement === document.body || !document.activeElement.checkVisibility())
      document.getElementById(heading)?.focus();
  });
}

/** Takes over what the address bar says. */
export function followLink() {
  const [id, query] = readLink(location.hash);
  if (id === current().id && query === queryOf(current().params)) return;
  const isOther = id !== current().id;
  const params = id ? readParams(query, fields()) : {};
  update({
    id,
    params,
    openGroups: groupsOf(params),
    section: id ? 'edit' : 'pictures',
    ...(isOther && { image: undefined, tool: undefined, formats: undefined }),
  });
  before = { key: '', time: 0 };
  if (isOther) {
    loadImage();
    loadPresets();
  }
  show();
}

export function startNavigation() {
  addEventListener('popstate', followLink);
  addEventListener('hashchange', followLink);
  followLink();
}
