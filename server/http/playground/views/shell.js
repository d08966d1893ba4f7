/** The frame of the page: who we are, where we are, and the sections of it. */
import { current, update } from '../store.js';
import { controlsView } from './controls.js';
import { dialogView } from './dialog.js';
import { html, nothing } from './html.js';
import { libraryView } from './library.js';
import { icon, problemView } from './parts.js';
import { stageView } from './stage.js';
import { tokenView } from './token.js';

const focusOn = (selector) => () => document.querySelector(selector)?.focus();

function headerView({ section, id }) {
  const link = (name, title) =>
    html`<button
      type="button"
      aria-current=${section === name ? 'page' : nothing}
      @click=${() => update({ section: name })}
    >
      ${title}
    </button>`;
  return html`<header>
    <button type="button" class="skip" @click=${focusOn(id ? '#edit-title' : '#pictures-title')}>Skip to the picture</button>
    <h1>${mark()}Rendition</h1>
    <nav class="sections" aria-label="Sections">${link('pictures', 'Pictures')}${link('edit', 'Edit')}</nav>
    <nav class="links" aria-label="Documentation">
      <a href="/docs/">API</a>
      <a href="/openapi.json">OpenAPI</a>
    </nav>
  </header>`;
}

const mark = () => html`<span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>`;

function emptyStage({ form }) {
  const word = form.isReadOnly
    ? 'Choose a picture.'
    : 'Choose a picture, or drop files anywhere on this page.';
  return html`<div class="empty">
    ${icon('crop')}
    <p>${word}</p>
    <p class="quiet">Every size, crop and format of it is a URL; here is where you find the right one.</p>
  </div>`;
}

function editView(state) {
  if (!state.id)
    return html`<section id="edit" class="stage-column" aria-label="Picture">${emptyStage(state)}</section>`;
  const refusal = state.problem ? html`<div class="refusal">${problemView(state.problem)}</div>` : nothing;
  return html`${stageView(state)}${refusal}${controlsView(state)}`;
}

export function shell(state) {
  if (!state.form) return html`<p class="starting" role="status">Loading…</p>`;
  return html`${headerView(state)}
    <main data-section=${state.section} data-view=${state.view} class=${state.id ? 'has-image' : ''}>
      ${state.locked ? tokenView(state) : nothing} ${libraryView(state)} ${editView(state)}
    </main>
    <p class="said" role="status">${state.said}</p>
    ${dialogView(current())}`;
}
