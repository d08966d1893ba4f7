import { html, nothing } from './html.js';

const VERBOSE = (value) => JSON.stringify(value, null, 2);

export const detailsView = ({ explained }) =>
  explained ? html`<pre tabindex="0" aria-label="What the server does">${VERBOSE(explained)}</pre>` : nothing;
