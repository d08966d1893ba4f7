/** One question at a time, in the browser's own modal dialog: it keeps the focus, and Escape leaves it. */
import { problemOf } from '../api.js';
import { current, update } from '../store.js';
import { html, nothing } from './html.js';
import { problemView } from './parts.js';

/**
 * @param question  `title`, `text`, a `list` of ids, a `field` to fill in or `choices`; `action` names the button that
 *                  runs it, and without it there is nothing to do but close
 */
export function ask(question) {
  update({ dialog: { ...question, problem: undefined, isBusy: false } });
  queueMicrotask(() => requestAnimationFrame(() => document.querySelector('dialog')?.showModal()));
}

const close = () => document.querySelector('dialog')?.close();

async function run(event) {
  event.preventDefault();
  const { dialog } = current();
  if (!dialog.action) return close();
  const value = new FormData(event.target).get('value')?.trim();
  update({ dialog: { ...dialog, isBusy: true } });
  try {
    const outcome = await dialog.run({ value });
    const [problem] = Array.isArray(outcome) ? outcome : [];
    if (problem) throw Object.assign(new Error(problem.detail), { problem });
    close();
  } catch (error) {
    update({ dialog: { ...dialog, problem: problemOf(error), isBusy: false } });
  }
}

const SHOWN = 8;

function listView(list) {
  const rest = list.length - SHOWN;
  return html`<ul class="ids">
    ${list.slice(0, SHOWN).map((id) => html`<li><code>${id}</code></li>`)}
    ${rest > 0 ? html`<li>and ${rest} more</li>` : nothing}
  </ul>`;
}

function inputView({ field, choices }) {
  if (field)
    return html`<label for="dialog-value">${field}</label>
      <input id="dialog-value" name="value" required maxlength="200" autocomplete="off" autofocus />`;
  if (!choices?.length) return nothing;
  return html`<label for="dialog-value">Collection</label>
    <select id="dialog-value" name="value">
      ${choices.map(([value, words]) => html`<option value=${value}>${words}</option>`)}
    </select>`;
}

export function dialogView({ dialog }) {
  if (!dialog) return nothing;
  const { title, text, list, action, isDangerous, isBusy, problem } = dialog;
  return html`<dialog aria-labelledby="dialog-title" @close=${() => update({ dialog: undefined })}>
    <form @submit=${run}>
      <h2 id="dialog-title">${title}</h2>
      ${text ? html`<p>${text}</p>` : nothing} ${list ? listView(list) : nothing} ${inputView(dialog)}
      ${problemView(problem)}
      <div class="row end">
        <button type="button" @click=${close}>${action ? 'Cancel' : 'Close'}</button>
        ${
          action
            ? html`<button type="submit" class=${isDangerous ? 'danger' : 'main'} ?disabled=${isBusy}>
                ${isBusy ? 'Working…' : action}
              </button>`
            : nothing
        }
      </div>
    </form>
  </dialog>`;
}
