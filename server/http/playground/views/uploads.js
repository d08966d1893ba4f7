import { FINISHED } from '../events.js';
import { openImage } from '../navigation.js';
import { current, patch } from '../store.js';
import { addFiles, clearUploads } from '../uploads.js';
import { html, live, nothing, repeat } from './html.js';
import { icon, kilobytes, problemView } from './parts.js';
import { shareDone, variantsView } from './variants.js';

/** @param files  of an input, a drop or the clipboard */
export function take(files) {
  if (files.length === 0) return;
  const { isNamed, folder, presets } = current().uploading;
  addFiles(files, {
    folder: isNamed ? folder.trim() : undefined,
    variants: presets.map((name) => `p=${name}`),
  });
}

function choose({ target }) {
  take([...target.files]);
  target.value = '';
}

function presetChoice(name, { presets }) {
  const toggle = ({ target }) =>
    patch('uploading', {
      presets: target.checked ? [...presets, name] : presets.filter((other) => other !== name),
    });
  return html`<label class="choice">
    <input type="checkbox" .checked=${live(presets.includes(name))} @change=${toggle} />${name}
  </label>`;
}

function optionsView({ form, uploading }) {
  const { isNamed, folder } = uploading;
  return html`<details class="options">
    <summary>How files become pictures</summary>
    <fieldset>
      <legend>Made ahead, before anyone asks</legend>
      ${form.presets.map(({ name }) => presetChoice(name, uploading))}
    </fieldset>
    <fieldset>
      <legend>Id</legend>
      <label class="choice">
        <input type="radio" name="named" .checked=${live(isNamed)} @change=${() => patch('uploading', { isNamed: true })} />
        the file’s name
      </label>
      <label class="choice">
        <input type="radio" name="named" .checked=${live(!isNamed)} @change=${() => patch('uploading', { isNamed: false })} />
        made up
      </label>
    </fieldset>
    ${
      isNamed
        ? html`<label for="folder">Folder</label>
            <input
              id="folder"
              placeholder="products/2026"
              spellcheck="false"
              .value=${live(folder)}
              @input=${({ target }) => patch('uploading', { folder: target.value })}
            />`
        : nothing
    }
  </details>`;
}

const WORDS = {
  waiting: 'waiting',
  sending: 'sending',
  uploading: 'storing',
  uploaded: 'stored',
  processing: 'making variants',
  completed: 'ready',
  partial: 'ready, but for some variants',
  failed: 'failed',
};

/** Sending is the first half of the way, the variants are the second. */
function shareOf({ sent, size, variants, status }) {
  if (FINISHED.includes(status)) return 1;
  return (size ? Math.min(1, sent / size) : 0) / 2 + shareDone(variants) / 2;
}

function itemView(upload) {
  const { id, name, status, problem, size } = upload;
  return html`<li class=${`upload ${status}`} data-upload=${name}>
    <div class="row">
      ${
        id
          ? html`<button type="button" class="plain name" @click=${() => openImage(id)}>${name}</button>`
          : html`<span class="name">${name}</span>`
      }
      <span class="quiet">${WORDS[status] ?? status} · ${kilobytes(size)}</span>
    </div>
    ${
      problem
        ? problemView(problem)
        : html`<progress max="1" .value=${shareOf(upload)} aria-label=${`Progress of ${name}`}></progress>`
    }
    ${variantsView(upload)}
  </li>`;
}

/** Where files come in. */
export function uploadView(state) {
  const goal = state.collections.find(({ id }) => id === state.library.collection);
  return html`<div class="uploads">
    <label class="drop" for="files">
      ${icon('upload')}<span><b>Add pictures</b> choose, drop or paste</span>
      <input id="files" type="file" multiple accept="image/*,.heic,.heif,.avif,.tif,.tiff,.svg" @change=${choose} />
    </label>
    ${goal ? html`<p class="quiet">They go into the collection “${goal.name}”.</p>` : nothing} ${optionsView(state)}
  </div>`;
}

/** What becomes of them: over the list of pictures, which does not move for it. */
export function trayView({ uploads }) {
  if (uploads.length === 0) return nothing;
  return html`<div class="tray">
    <div class="row">
      <h3>Uploads</h3>
      <button type="button" class="plain" @click=${clearUploads}>Clear finished</button>
    </div>
    <ul class="list" aria-label="Uploads">
      ${repeat(uploads, ({ key }) => key, itemView)}
    </ul>
  </div>`;
}
