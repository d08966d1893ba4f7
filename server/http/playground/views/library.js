import { loadLibrary, more, toggleSelection } from '../library.js';
import { openImage } from '../navigation.js';
import { patch, update } from '../store.js';
import { collectionsView, selectionView } from './collections.js';
import { feedsView } from './feeds.js';
import { html, live, nothing, repeat } from './html.js';
import { icon, problemView } from './parts.js';
import { trayView, uploadView } from './uploads.js';

const SEARCH_MS = 250;
let timer;

function search(change) {
  patch('library', change);
  clearTimeout(timer);
  timer = setTimeout(() => loadLibrary(), SEARCH_MS);
}

function searchView({ library }) {
  const how = [
    ['text', 'contains'],
    ['prefix', 'id begins with'],
  ];
  return html`<form class="search" role="search" @submit=${(event) => event.preventDefault()}>
    <label class="hidden" for="how">How to search</label>
    <select id="how" @change=${({ target }) => search({ how: target.value })}>
      ${how.map(([value, words]) => html`<option value=${value} ?selected=${library.how === value}>${words}</option>`)}
    </select>
    <label class="hidden" for="search">Search pictures</label>
    <input
      id="search"
      type="search"
      placeholder="Search id or title"
      autocomplete="off"
      spellcheck="false"
      .value=${live(library.text)}
      @input=${({ target }) => search({ text: target.value })}
    />
  </form>`;
}

const nameOf = ({ id, title }) => title || id.split('/').at(-1);

function thumbnailView(image, { thumbnails, selection, id }) {
  const isChosen = image.id === id;
  const isTicked = selection?.has(image.id);
  const press = () => (selection ? toggleSelection(image.id) : openImage(image.id));
  const state = image.status && image.status !== 'completed' ? image.status : '';
  return html`<li>
    <button
      type="button"
      class="thumbnail"
      title=${image.id}
      aria-current=${isChosen && !selection ? 'true' : nothing}
      aria-pressed=${selection ? String(Boolean(isTicked)) : nothing}
      @click=${press}
    >
      <span class="frame">
        ${
          thumbnails[image.id]
            ? html`<img src=${thumbnails[image.id]} alt="" loading="lazy" width="120" height="90" />`
            : nothing
        }
        ${selection ? html`<span class="tick" aria-hidden="true">${isTicked ? icon('check') : nothing}</span>` : nothing}
      </span>
      <span class="name">${nameOf(image)}</span>
      ${state ? html`<span class=${`state ${state}`}>${state}</span>` : nothing}
    </button>
  </li>`;
}

function nothingFound({ library, form }) {
  if (library.isLoading) return nothing;
  if (library.text || library.collection) return html`<p class="quiet">Nothing is found here.</p>`;
  return html`<p class="quiet">
    ${form.isReadOnly ? 'The folder has no picture yet.' : 'No picture is here yet. Drop one on this page.'}
  </p>`;
}

const placeholders = () => html`<ul class="grid" aria-hidden="true">
  ${Array.from({ length: 8 }, () => html`<li><span class="thumbnail"><span class="frame"></span><span class="name"> </span></span></li>`)}
</ul>`;

function gridView(state) {
  const { items, isLoading, next } = state.library;
  if (items.length === 0 && isLoading) return placeholders();
  if (items.length === 0) return nothingFound(state);
  return html`<ul class="grid">
      ${repeat(
        items,
        ({ id }) => id,
        (image) => thumbnailView(image, state),
      )}
    </ul>
    ${
      next
        ? html`<button type="button" class="more" ?disabled=${isLoading} @click=${more}>
            ${isLoading ? 'Looking…' : 'Show more'}
          </button>`
        : nothing
    }`;
}

export function libraryView(state) {
  const { form, selection, isReached, library } = state;
  const canSelect = isReached && library.items.length > 0;
  return html`<section id="pictures" class="library" aria-labelledby="pictures-title">
    <div class="row">
      <h2 id="pictures-title" tabindex="-1">Pictures</h2>
      ${
        canSelect
          ? html`<button type="button" class="plain" @click=${() => update({ selection: selection ? undefined : new Set() })}>
              ${selection ? 'Done' : 'Select'}
            </button>`
          : nothing
      }
    </div>
    <div class="head">
      ${form.isReadOnly || form.api === 'none' ? nothing : uploadView(state)}
      ${isReached ? html`<div class="finding">${searchView(state)}${collectionsView(state)}</div>` : nothing}
    </div>
    ${problemView(library.problem)} ${gridView(state)} ${isReached && !selection ? feedsView(state) : nothing}
    ${selection ? selectionView(state) : trayView(state)}
  </section>`;
}
