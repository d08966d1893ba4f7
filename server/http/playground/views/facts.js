import { html } from './html.js';
import { kilobytes } from './parts.js';

/** What is known of the answer that is shown. */
export function factsView({ result }) {
  if (!result) return html`<dl class="facts"></dl>`;
  const { width, height, bytes, type, ms, headers } = result;
  const rows = {
    Size: width ? `${width} × ${height}` : '',
    Bytes: kilobytes(bytes),
    Type: type.replace('image/', ''),
    From: headers.get('x-image-cache'),
    'Round trip': `${ms.toFixed(0)} ms`,
    Warning: headers.get('x-image-warning'),
  };
  const shown = Object.entries(rows).filter(([, value]) => value);
  return html`<dl class="facts">
    ${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}
