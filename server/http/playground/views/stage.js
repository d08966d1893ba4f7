/** The picture, and what there is to see of it: the result, beside the original, in three formats, as code, in detail. */
import { readLink } from '../address.js';
import { focusIfHidden } from '../navigation.js';
import { publicBase } from '../signing.js';
import { update } from '../store.js';
import { codeView } from './code.js';
import { compareView } from './compare.js';
import { detailsView } from './details.js';
import { factsView } from './facts.js';
import { formatsView } from './formats.js';
import { html, nothing } from './html.js';
import { copyButton, icon, tabList } from './parts.js';
import { toolBar, toolView } from './tools.js';

const TABS = [
  ['result', 'Result'],
  ['compare', 'Before / after'],
  ['formats', 'Formats'],
  ['code', 'Code'],
  ['details', 'Details'],
];

const PANELS = {
  result: resultView,
  compare: compareView,
  formats: formatsView,
  code: codeView,
  details: detailsView,
};

/** Placeholders are text: a colour and a tiny picture can be shown, a hash is told. */
function textView(text) {
  if (text.startsWith('data:'))
    return html`<img class="tiny" src=${text} alt="Placeholder" /><code>${text.slice(0, 120)}…</code>`;
  const isColor = /^#[0-9a-f]{6}$/.test(text);
  return html`${isColor ? html`<span class="swatch" .style=${`background: ${text}`}></span>` : nothing}<code>${text}</code>`;
}

function pictureView({ result, zoom, id, isBusy }) {
  if (!result) return html`<div class="canvas" aria-busy="true"></div>`;
  const isTiny = zoom === 'one';
  return html`<div
    class=${`canvas ${isTiny ? 'one' : 'fit'}`}
    aria-busy=${String(isBusy)}
    tabindex=${isTiny ? 0 : nothing}
    role=${isTiny ? 'region' : nothing}
    aria-label=${isTiny ? 'Picture at 1:1' : nothing}
  >
    ${
      result.text === undefined
        ? html`<img src=${result.src} alt=${`${id}, transformed`} width=${result.width || nothing} height=${result.height || nothing} />`
        : textView(result.text)
    }
  </div>`;
}

function resultView(state) {
  const toggle = () => update({ zoom: state.zoom === 'fit' ? 'one' : 'fit' });
  return html`<div class="tools row">
      ${toolBar(state)}
      <button type="button" aria-pressed=${String(state.zoom === 'one')} ?disabled=${Boolean(state.tool)} @click=${toggle}>
        ${icon('zoom')}1:1
      </button>
    </div>
    ${state.tool ? toolView(state) : pictureView(state)} ${factsView(state)}`;
}

const close = () => {
  if (readLink(location.hash)[0]) history.pushState(null, '', location.pathname);
  update({ id: '', section: 'pictures', result: undefined, problem: undefined });
  focusIfHidden('pictures-title');
};

export function stageView(state) {
  const { id, view, address } = state;
  const url = address ? publicBase() + address : '';
  return html`<section id="edit" class="stage-column" aria-labelledby="edit-title">
    <div class="row title">
      <button type="button" class="plain back" @click=${close}>${icon('back')}Pictures</button>
      <h2 id="edit-title" tabindex="-1">${id}</h2>
    </div>
    <div class="row url">
      <output for="controls" id="url" aria-label="Address of this picture">${url}</output>
      ${copyButton('url', url, 'Copy URL')}
    </div>
    ${tabList({ label: 'Views of the picture', tabs: TABS, chosen: view, panel: 'panel', choose: (name) => update({ view: name }) })}
    <div id="panel" class=${`panel panel-${view}`} role="tabpanel" aria-labelledby=${`tab-${view}`}>${PANELS[view](state)}</div>
  </section>`;
}
