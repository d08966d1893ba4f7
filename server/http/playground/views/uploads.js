import { openImage } from '../navigation.js';
import { current, patch } from '../store.js';
import { addFiles, clearUploads } from '../uploads.js';
import { html, live, nothing, repeat } from './html.js';
import { icon, kilobytes, problemView } from './parts.js';

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

const isReady = ({ status }) => ['ready', 'failed', 'skipped', 'expired'].includes(status);

function variantView({ requested, variant, status, bytes }) {
  const word = status === 'ready' && bytes ? kilobytes(bytes) : status;
  return html`<li class=${`variant ${status}`}><code>${requested?.[0] ?? variant}</code><span>${word}</span></li>`;
}

/** Sending is the first half of the way, the variants are the second. */
function shareOf({ sent, size, variants, status }) {
  if (['completed', 'partial', 'failed'].includes(status)) return 1;
  const done = variants.length ? variants.filter(isReady).length / variants.length : 0;
  return (size ? Math.min(1, sent / size) : 0) / 2 + done / 2;
}

function itemView(upload) {
  const { key, id, name, status, problem, variants, size } = upload;
  return html`<li class=${`upload ${status}`} data-upload=${name}>
    <div class="row">
      ${
        id
          ? html`<button type="button" class="plain name" @click=${() => openImage(id)}>${name}</button>`
          : html`<span class="name">${name}</span>`
      }
      <span class="quiet">${WORDS[status] ?? status} · ${kilobytes(size)}</span>
    </div>
    <progress id=${`upload-${key}`} max="1" .value=${shareOf(upload)} aria-label=${`Progress of ${name}`}></progress>
    ${problemView(problem)}
    ${
      variants.length
        ? html`<ul class="variants">
            ${variants.map(variantView)}
          </ul>`
        : nothing
    }
  </li>`;
}

export function uploadView(state) {
  const { uploads } = state;
  return html`<div class="uploads">
    <label class="drop" for="files">
      ${icon('upload')}<span><b>Add pictures</b> choose, drop or paste</span>
      <input id="files" type="file" multiple accept="image/*,.heic,.heif,.avif,.tif,.tiff,.svg" @change=${choose} />
    </label>
    ${optionsView(state)}
    ${
      uploads.length
        ? html`<ul class="list" aria-label="Uploads">
              ${repeat(uploads, ({ key }) => key, itemView)}
            </ul>
            <button type="button" class="plain" @click=${clearUploads}>Clear finished</button>`
        : nothing
    }
  </div>`;
}
