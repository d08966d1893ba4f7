import { replaceParams } from '../navigation.js';
import { presetKey } from '../picture.js';
import { html, nothing } from './html.js';

/** Presets as the picture looks in them: what one sees is what the name stands for. */
export function presetsView({ form, id, params, thumbnails }) {
  if (form.presets.length === 0) return nothing;
  const choose = (name) => replaceParams(params.p === name ? {} : { p: name });
  return html`<div class="presets" role="group" aria-label="Presets">
    ${form.presets.map(({ name, canonical }) => {
      const src = thumbnails[presetKey(id, name)];
      return html`<button
        type="button"
        aria-pressed=${String(params.p === name)}
        title=${canonical}
        @click=${() => choose(name)}
      >
        <span class="frame">${src ? html`<img src=${src} alt="" width="84" height="63" />` : nothing}</span>
        <span>${name}</span>
      </button>`;
    })}
  </div>`;
}
