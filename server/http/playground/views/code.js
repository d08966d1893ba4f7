import { writeCode } from '../code.js';
import { KINDS } from '../snippets.js';
import { patch } from '../store.js';
import { html, live, nothing } from './html.js';
import { copyButton, problemView } from './parts.js';

const SHARES = [100, 75, 66, 50, 33, 25];
const WINDOWS = [640, 768, 1024, 1280];

function question(name, label, values, code, words) {
  return html`<label for=${`code-${name}`}>${label}</label>
    <select id=${`code-${name}`} @change=${({ target }) => patch('code', { [name]: Number(target.value) })}>
      ${values.map((value) => html`<option value=${value} ?selected=${value === code[name]}>${words(value)}</option>`)}
    </select>`;
}

const share = (value) => (value === 100 ? 'the whole width' : `${value} % of the width`);

function questionsView({ code }) {
  return html`<div class="questions">
    ${question('narrow', 'In a narrow window the picture takes', SHARES, code, share)}
    ${question('from', 'A window is wide from', WINDOWS, code, (value) => `${value} px`)}
    ${question('wide', 'In a wide one it takes', SHARES, code, share)}
    <label for="code-most">but never more px than</label>
    <input
      id="code-most"
      type="number"
      min="1"
      placeholder="no limit"
      .value=${live(code.most)}
      @input=${({ target }) => patch('code', { most: target.value })}
    />
  </div>`;
}

const FRAMEWORKS = ['next', 'nuxt', 'astro'];

function kindsView({ code }) {
  return html`<fieldset class="kinds">
    <legend class="hidden">Kind of code</legend>
    ${KINDS.map(
      ([kind, title]) =>
        html`<label><input type="radio" name="kind" .checked=${live(code.kind === kind)} @change=${() => patch('code', { kind })} /><span>${title}</span></label>`,
    )}
  </fieldset>`;
}

export function codeView(state) {
  queueMicrotask(writeCode);
  const { code, form } = state;
  const isFramework = FRAMEWORKS.includes(code.kind);
  return html`${kindsView(state)} ${form.isPresetsOnly && !isFramework ? nothing : questionsView(state)}
    ${
      isFramework && form.isSigned
        ? html`<p class="warning">This deployment serves signed addresses: a loader in a page has no key. Use img or picture, or sign on your server.</p>`
        : nothing
    }
    ${problemView(code.problem)}
    <div class="snippet">
      <pre id="snippet" tabindex="0" aria-label="Code">${code.text}</pre>
      ${copyButton('snippet', code.text, 'Copy code')}
    </div>`;
}
