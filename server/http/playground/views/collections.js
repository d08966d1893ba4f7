import {
  addToCollection,
  createCollection,
  loadLibrary,
  purgeImages,
  removeCollection,
  removeImages,
  takeFromCollection,
} from '../library.js';
import { update } from '../store.js';
import { ask } from './dialog.js';
import { html, nothing } from './html.js';
import { icon, plural } from './parts.js';

function askForName() {
  ask({
    title: 'New collection',
    field: 'Name',
    action: 'Make',
    run: ({ value }) => createCollection(value),
  });
}

function askToEmpty({ id, name, count }) {
  ask({
    title: `Delete the collection “${name}”?`,
    text: count
      ? `Its ${plural(count, 'picture')} must be taken out first: select them here.`
      : 'It is empty. No picture is touched.',
    action: count ? undefined : 'Delete collection',
    isDangerous: true,
    run: () => removeCollection(id),
  });
}

/** Which pictures are shown: all, or those of a collection. */
export function collectionsView({ collections, library, form }) {
  const chosen = collections.find(({ id }) => id === library.collection);
  return html`<div class="collections">
    <label class="hidden" for="collection">Collection</label>
    <select id="collection" @change=${({ target }) => loadLibrary({ collection: target.value })}>
      <option value="" ?selected=${!library.collection}>All pictures</option>
      ${collections.map(
        ({ id, name, count }) =>
          html`<option value=${id} ?selected=${id === library.collection}>${name} (${count})</option>`,
      )}
    </select>
    ${
      form.isReadOnly
        ? nothing
        : html`<button type="button" @click=${askForName}>${icon('folder')}New collection</button>`
    }
    ${
      chosen
        ? html`<button type="button" @click=${() => askToEmpty(chosen)}>${icon('trash')}Delete it</button>`
        : nothing
    }
  </div>`;
}

export function askToDelete(ids) {
  ask({
    title: `Delete ${plural(ids.length, 'picture')}?`,
    text: 'Original, variants and copies at the edge go. There is no way back.',
    list: ids,
    action: 'Delete',
    isDangerous: true,
    run: () => removeImages(ids),
  });
}

export function askToPurge(ids) {
  ask({
    title: `Purge ${plural(ids.length, 'picture')}?`,
    text: 'Every result of it goes from every tier, and is rendered again when somebody asks. The originals stay.',
    list: ids,
    action: 'Purge',
    run: () => purgeImages(ids),
  });
}

function chooseCollection(ids, collections) {
  ask({
    title: `Put ${plural(ids.length, 'picture')} into a collection`,
    choices: collections.map(({ id, name }) => [id, name]),
    text: collections.length
      ? 'A picture is in one collection at most.'
      : 'There is no collection yet: make one first.',
    action: collections.length ? 'Put in' : undefined,
    run: ({ value }) => addToCollection(value, ids),
  });
}

/** What can be done to the pictures that are ticked. */
export function selectionView({ selection, library, collections, form }) {
  const ids = [...selection];
  const isNone = ids.length === 0;
  const all = () => update({ selection: new Set(library.items.map(({ id }) => id)) });
  return html`<div class="selection" role="group" aria-label="Selected pictures">
    <span>${ids.length} selected</span>
    <button type="button" class="plain" @click=${all}>All shown</button>
    <button type="button" ?disabled=${isNone} @click=${() => chooseCollection(ids, collections)}>Collect</button>
    ${
      library.collection
        ? html`<button type="button" ?disabled=${isNone} @click=${() => takeFromCollection(library.collection, ids)}>
            Take out
          </button>`
        : nothing
    }
    <button type="button" ?disabled=${isNone} @click=${() => askToPurge(ids)}>Purge</button>
    ${
      form.isReadOnly
        ? nothing
        : html`<button type="button" class="danger" ?disabled=${isNone} @click=${() => askToDelete(ids)}>Delete</button>`
    }
  </div>`;
}
