/** What several views are made of. */
import { copy } from '../clipboard.js';
import { current } from '../store.js';
import { html, live, noChange, nothing, svg } from './html.js';

const PATHS = {
  upload: 'M12 16V4m0 0 5 5m-5-5-5 5M4 15v4a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-4',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  trash: 'M5 7h14M10 11v6m4-6v6M6 7l1 13h10l1-13M9 7V4h6v3',
  purge: 'M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5',
  check: 'm5 12 5 5 9-11',
  close: 'M6 6l12 12M18 6 6 18',
  target: 'M12 3v4m0 10v4M3 12h4m10 0h4M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8',
  crop: 'M7 2v15h15M2 7h15v15',
  back: 'M15 5l-7 7 7 7',
  folder: 'M3 6h6l2 2h10v11H3z',
  zoom: 'M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12M16 16l5 5M11 8v6m-3-3h6',
};

/** Beside words that say the same: nobody needs to hear it. */
export const icon = (name) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${svg`<path d=${PATHS[name]} />`}</svg>`;

export const kilobytes = (bytes) =>
  bytes < 1000
    ? `${bytes} B`
    : bytes < 1e6
      ? `${(bytes / 1000).toFixed(1)} kB`
      : `${(bytes / 1e6).toFixed(2)} MB`;

export const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** @param rows  by name; those without a value are left out */
export function factList(rows) {
  const shown = Object.entries(rows).filter(([, value]) => value);
  return html`<dl class="facts">
    ${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/**
 * Value of the input of that id. What somebody is typing there stays as it is: it may be half a number, or not be taken
 * over yet.
 */
export const typed = (id, value) => (document.activeElement?.id === id ? noChange : live(value ?? ''));

/** A problem as the server tells it, with the way out where it knows one. */
export function problemView(problem) {
  if (!problem) return nothing;
  const { title, detail, hint, allowed } = problem;
  return html`<div class="problem" role="alert">
    <strong>${title}.</strong> ${detail} ${hint ?? ''}
    ${allowed && !detail?.includes(allowed) ? html`<span>Allowed: ${allowed}</span>` : nothing}
  </div>`;
}

/** A button that copies, and says so itself: whoever pressed it looks there. */
export function copyButton(name, text, label) {
  const { copied } = current();
  const isDone = copied === name;
  const isRefused = copied === `!${name}`;
  return html`<button
    type="button"
    class=${`copy ${isDone ? 'is-done' : ''}`}
    data-copy=${name}
    ?disabled=${!text}
    @click=${() => copy(name, text)}
  >
    ${icon(isDone ? 'check' : 'copy')}<span>${isDone ? 'Copied.' : isRefused ? 'Selected: copy it' : label}</span>
  </button>`;
}

/**
 * A row of tabs, of which the arrow keys choose one (WAI-ARIA, tabs pattern).
 *
 * @param tabs  `[name, title]`
 */
export function tabList({ label, tabs, chosen, panel, choose }) {
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = tabs.findIndex(([name]) => name === chosen);
    const [next] = tabs[(index + step + tabs.length) % tabs.length];
    choose(next);
    event.currentTarget.querySelector(`[data-tab="${next}"]`).focus();
    event.preventDefault();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} @keydown=${move}>
    ${tabs.map(
      ([name, title]) =>
        html`<button
          type="button"
          role="tab"
          id=${`tab-${name}`}
          data-tab=${name}
          aria-controls=${panel}
          aria-selected=${name === chosen}
          tabindex=${name === chosen ? 0 : -1}
          @click=${() => choose(name)}
        >
          ${title}
        </button>`,
    )}
  </div>`;
}
