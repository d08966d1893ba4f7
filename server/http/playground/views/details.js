/** What is known of the picture beside how it looks, and what can be done to it. */
import { problemOf } from '../api.js';
import { addToCollection, loadLibrary, takeFromCollection } from '../library.js';
import { editImage, makeAhead } from '../picture.js';
import { current, update } from '../store.js';
import { askToDelete, askToPurge } from './collections.js';
import { html, nothing } from './html.js';
import { factList, icon, kilobytes, problemView } from './parts.js';
import { variantsView } from './variants.js';

/** Runs what may be refused, and shows the refusal beside it. */
const attempt = (work) => async () => {
  update({ refusal: undefined });
  await work().catch((error) => update({ refusal: problemOf(error) }));
};

function originalView({ image }) {
  const { original, status, createdAt } = image;
  const rows = {
    Original: original && `${original.width} × ${original.height}`,
    Bytes: original && kilobytes(original.bytes),
    Type: original?.format,
    Frames: original?.frames > 1 ? original.frames : '',
    Status: status,
    Added: new Date(createdAt).toLocaleString(),
  };
  return factList(rows);
}

async function save(event) {
  event.preventDefault();
  const data = new FormData(event.target);
  const [title, description] = ['title', 'description'].map((name) => data.get(name).trim() || null);
  await attempt(async () => {
    await editImage({ title, description });
    await loadLibrary();
  })();
}

async function move(collection) {
  const { image } = current();
  if (image.collection) await takeFromCollection(image.collection, [image.id]);
  if (collection) await addToCollection(collection, [image.id]);
  update({ image: { ...current().image, collection: collection || null } });
}

function wordsView({ image, collections }) {
  return html`<form class="words" @submit=${save}>
    <label for="title">Title</label>
    <input id="title" name="title" maxlength="200" .value=${image.title ?? ''} />
    <label for="description">Description</label>
    <textarea id="description" name="description" rows="2" maxlength="2000" .value=${image.description ?? ''}></textarea>
    <label for="in-collection">Collection</label>
    <select id="in-collection" @change=${({ target }) => attempt(() => move(target.value))()}>
      <option value="" ?selected=${!image.collection}>none</option>
      ${collections.map(({ id, name }) => html`<option value=${id} ?selected=${id === image.collection}>${name}</option>`)}
    </select>
    <span></span><button type="submit">Save</button>
  </form>`;
}

function recordView(state) {
  const { image, form, refusal } = state;
  if (!image) return html`<p class="quiet">No record of this picture is known here.</p>`;
  return html`${originalView(state)} ${wordsView(state)} ${problemView(refusal)}
    <h3>Made ahead</h3>
    ${image.variants?.length ? variantsView(image) : html`<p class="quiet">Nothing: it is rendered when somebody asks.</p>`}
    <div class="row wrap">
      <button type="button" @click=${attempt(makeAhead)}>Make this one ahead</button>
      <button type="button" @click=${() => askToPurge([image.id])}>${icon('purge')}Purge</button>
      ${
        form.isReadOnly
          ? nothing
          : html`<button type="button" class="danger" @click=${() => askToDelete([image.id])}>${icon('trash')}Delete</button>`
      }
    </div>`;
}

export function detailsView(state) {
  const { explained } = state;
  return html`<div class="details">
    ${recordView(state)}
    ${
      explained
        ? html`<h3>What the server does</h3>
            <pre tabindex="0" role="region" aria-label="What the server does">${JSON.stringify(explained, null, 2)}</pre>`
        : nothing
    }
  </div>`;
}
